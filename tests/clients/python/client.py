"""What the clients of both versions share: lines for the test that runs them, and a memory.

Out: `AUTHORIZE <url>`, where a browser has to go; `LATER`, when time may pass;
`STEP <name> <what>`, one for each step.
In: the URL that the browser was sent back to; the name of a file, and how many seconds have passed.
"""

import sys
import time
from urllib.parse import parse_qsl, urlsplit

import anyio.to_thread
from mcp.shared.auth import OAuthClientMetadata

METADATA = OAuthClientMetadata(client_name="Python", redirect_uris=["http://127.0.0.1:9/callback"])


def step(name, what):
    print("STEP", name, what, flush=True)


async def answer():
    line = await anyio.to_thread.run_sync(sys.stdin.readline)
    if not line:
        raise EOFError("the test says nothing more")
    return line.strip()


async def later():
    """Waits until time has passed.

    These clients look at their own clock to know whether a token is worth anything, so it has to go
    with the server's.
    """
    print("LATER", flush=True)
    name, seconds = (await answer()).split()
    now = time.time
    time.time = lambda: now() + int(seconds)
    return name


async def redirect(url):
    print("AUTHORIZE", url, flush=True)


async def callback():
    """The parameters that the browser came back with."""
    return dict(parse_qsl(urlsplit(await answer()).query))


def said(result, is_error):
    if is_error:
        raise RuntimeError(f"an error of the tool: {result}")
    return result.content[0].text.strip()


class Memory:
    """Keeps what it is given, as it is."""

    tokens = None
    client = None

    async def get_tokens(self):
        return self.tokens

    async def set_tokens(self, tokens):
        self.tokens = tokens

    async def get_client_info(self):
        return self.client

    async def set_client_info(self, client):
        self.client = client
