"""Version 2 of the SDK: logs in, reads a file, deletes it, and reads another one later."""

import sys

import anyio
import httpx2
from client import METADATA, Memory, callback, later, redirect, said, step
from mcp import Client
from mcp.client.auth import OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import AuthorizationCodeResult


async def result():
    return AuthorizationCodeResult.model_validate(await callback())


async def main(url, mode):
    """`mode`: 'legacy' for `initialize`, 'auto' to try `server/discover` first."""
    auth = OAuthClientProvider(url, METADATA, Memory(), redirect, result)
    async with (
        httpx2.AsyncClient(auth=auth, timeout=30) as http,
        Client(streamable_http_client(url, http_client=http), mode=mode) as client,
    ):

        async def call(tool, name):
            called = await client.call_tool(tool, {"name": name})
            return said(called, called.is_error)

        step("login", client.protocol_version)
        step("read", await call("read_file", "notes.txt"))
        step("delete", await call("delete_file", "notes.txt"))
        step("again", await call("read_file", await later()))


anyio.run(main, sys.argv[1], sys.argv[2])
