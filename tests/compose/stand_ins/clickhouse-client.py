#!/opt/eventide/bin/python
"""Runs the statement behind ``--query`` and prints its answer."""

import sys
import urllib.request

sql = sys.argv[sys.argv.index("--query") + 1]
request = urllib.request.Request("http://127.0.0.1:8123/", data=sql.encode())
with urllib.request.urlopen(request, timeout=5) as answer:
    sys.stdout.write(answer.read().decode())
