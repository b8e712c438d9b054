"""HTTP: the only imports of aiohttp. From a request to its response, authentication, files, pages."""
