"""Version 1 of the SDK: logs in, reads a file, deletes it, and reads another one later."""

import sys

import anyio
import httpx
from client import METADATA, Memory, callback, later, redirect, said, step
from mcp import ClientSession
from mcp.client.auth import OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client


async def code_and_state():
    parameters = await callback()
    return parameters["code"], parameters["state"]


async def main(url):
    auth = OAuthClientProvider(url, METADATA, Memory(), redirect, code_and_state)
    async with (
        httpx.AsyncClient(auth=auth, timeout=30) as http,
        streamable_http_client(url, http_client=http) as (read, write, _),
        ClientSession(read, write) as session,
    ):

        async def call(tool, name):
            result = await session.call_tool(tool, {"name": name})
            return said(result, result.isError)

        step("login", (await session.initialize()).protocolVersion)
        step("read", await call("read_file", "notes.txt"))
        step("delete", await call("delete_file", "notes.txt"))
        step("again", await call("read_file", await later()))


anyio.run(main, sys.argv[1])
