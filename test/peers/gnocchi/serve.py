"""Serves Gnocchi's API with Python's own web server. Usage: serve.py CONFIG PORT"""

import sys
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from gnocchi import service
from gnocchi.rest import app


class ThreadedServer(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    # A client may open many at once.
    request_queue_size = 64


class QuietHandler(WSGIRequestHandler):
    def log_message(self, *_):
        pass


conf = service.prepare_service(args=["--config-file", sys.argv[1]])
make_server("127.0.0.1", int(sys.argv[2]), app.load_app(conf), ThreadedServer, QuietHandler).serve_forever()
