# Stands in for nginx: Debian's, with its logs and temporary files where the official image has them.
FROM stand-in-services
RUN rm -rf /var/lib/nginx && ln -s /var/cache/nginx /var/lib/nginx \
    && ln -sf /dev/stdout /var/log/nginx/access.log && ln -sf /dev/stderr /var/log/nginx/error.log
STOPSIGNAL SIGQUIT
CMD ["nginx", "-g", "daemon off;"]
