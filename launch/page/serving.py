"""Serves the page on this machine, from memory."""

from http import server
import mimetypes
import urllib.parse

# Browsers give threads to pages with the first two only.
HEADERS = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
  "Cross-Origin-Resource-Policy": "same-origin",
  "X-Content-Type-Options": "nosniff",
  "Referrer-Policy": "no-referrer",
  "Cache-Control": "no-cache",
}
_TYPES = {".js": "text/javascript", ".mjs": "text/javascript", ".wasm": "application/wasm"}


def of(files: dict[str, bytes], port: int, headers: dict[str, str] = HEADERS):
  """Returns a server of files that listens on 127.0.0.1; its `serve_forever` answers.

  Args:
    files: contents by their paths.
    port: 0 for any that is free.
    headers: sent with every file.
  Raises:
    OSError: if the port is taken.
  """

  class Handler(server.BaseHTTPRequestHandler):
    """Answers with a file."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
      self._answer(with_body=True)

    def do_HEAD(self):
      self._answer(with_body=False)

    def _answer(self, with_body):
      path = urllib.parse.unquote(urllib.parse.urlsplit(self.path).path).lstrip("/")
      content = files.get(path or "index.html")
      self.send_response(200 if content is not None else 404)
      content = b"not found" if content is None else content
      self.send_header("Content-Type", type_of(path or "index.html"))
      self.send_header("Content-Length", str(len(content)))
      for name, value in headers.items():
        self.send_header(name, value)
      self.end_headers()
      if with_body:
        self.wfile.write(content)

    def log_message(self, *arguments):
      """Prints nothing."""

  try:
    return server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
  except OSError as error:
    raise OSError(f"port {port} cannot be used: {error.strerror or error}.") from error


def type_of(path: str) -> str:
  """Returns the media type of a file; what Python knows of modules depends on the system."""
  suffix = path[path.rfind(".") :] if "." in path else ""
  return _TYPES.get(suffix) or mimetypes.guess_type(path)[0] or "application/octet-stream"
