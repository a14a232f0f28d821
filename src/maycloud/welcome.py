"""What a browser sees that opens the endpoint: where one is, and what to do next."""

from maycloud import __version__
from maycloud.edge.messages import Request, Response

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Maycloud</title>
<style>
:root {{ color-scheme: light dark; font: 17px/1.6 system-ui, sans-serif; }}
body {{ max-width: 40rem; margin: 3rem auto; padding: 0 1rem; }}
h1 {{ color: light-dark(#0f766e, #5eead4); }}
pre {{ padding: .8rem 1rem; overflow-x: auto; background: light-dark(#eef3f2, #182b29); }}
</style>
</head>
<body>
<main>
<h1>Maycloud {version}</h1>
<p>A cloud runs here. It speaks AWS's protocols: point the AWS CLI, boto3 or any SDK at this address, with
access key <code>test</code>.</p>
<pre>eval "$(may env)"
aws sts get-caller-identity</pre>
<p><code>may status</code> tells what is in use and which permissions were missing,
<code>may deploy todo</code> deploys the first system, <code>may outputs todo</code> says where its app is,
and <code>may inbox</code> shows its mails. <a href="/_may/console">The console</a> shows all of it.</p>
</main>
</body>
</html>
"""


def wants_page(request: Request) -> bool:
    """Whether a person's browser asks for ``/``, and not a client of AWS's."""
    if request.target != "/":
        return False
    fields = request.fields
    return b"text/html" in fields.get(b"accept", b"") and b"authorization" not in fields


def page() -> Response:
    headers = [
        (b"content-type", b"text/html; charset=utf-8"),
        (b"content-security-policy", b"default-src 'none'; style-src 'unsafe-inline'"),
    ]
    return Response(200, headers, _PAGE.format(version=__version__).encode())
