// Version 1 of the SDK: logs in, reads a file, deletes it, and reads another one later.
import { auth, extractWWWAuthenticateParams, UnauthorizedError } from '@modelcontextprotocol/sdk/client/auth.js';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport, StreamableHTTPError } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { end, later, Memory, said, server, step } from './client.mjs';

const provider = new Memory();
let challenge;

async function seen(url, init) {
  const response = await fetch(url, init);
  if (response.status === 403) challenge = extractWWWAuthenticateParams(response);
  return response;
}

async function connect() {
  const client = new Client({ name: 'typescript', version: '1.0.0' });
  const transport = new StreamableHTTPClientTransport(server, { authProvider: provider, fetch: seen });
  try {
    await client.connect(transport);
    return { client, transport };
  } catch (error) {
    if (!(error instanceof UnauthorizedError)) throw error;
    const parameters = await provider.callback();
    await transport.finishAuth(parameters.get('code'));
    return connect();
  }
}

// This version answers a challenge for more scopes with a refresh, which never brings more: then
// the user has to be asked, for which it needs to be without a refresh token.
async function stepUp() {
  const { refresh_token, ...rest } = provider.kept;
  provider.kept = rest;
  const options = { serverUrl: server, ...challenge };
  if ((await auth(provider, options)) !== 'REDIRECT') throw new Error('nobody was asked');
  const parameters = await provider.callback();
  await auth(provider, { ...options, authorizationCode: parameters.get('code') });
}

const { client, transport } = await connect();
step('login', transport.protocolVersion);

const call = (name, file) => client.callTool({ name, arguments: { name: file } });
step('read', said(await call('read_file', 'notes.txt')));

try {
  await call('delete_file', 'notes.txt');
  throw new Error('a reader deleted');
} catch (error) {
  if (!(error instanceof StreamableHTTPError) || error.code !== 403) throw error;
  await stepUp();
}
step('delete', said(await call('delete_file', 'notes.txt')));

step('again', said(await call('read_file', await later())));

await transport.terminateSession();
await client.close();
end();
