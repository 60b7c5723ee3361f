// Version 2 of the SDK: logs in, reads a file, deletes it, and reads another one later.
import { Client, StreamableHTTPClientTransport, UnauthorizedError } from '@modelcontextprotocol/client';
import { end, later, Memory, said, server, step } from './client.mjs';

// 'legacy' for `initialize`, 'auto' to try `server/discover` first.
const mode = process.argv[3];
const provider = new Memory();

async function connect() {
  const client = new Client({ name: 'typescript', version: '2.0.0' }, { versionNegotiation: { mode } });
  const transport = new StreamableHTTPClientTransport(server, { authProvider: provider });
  try {
    await client.connect(transport);
    return { client, transport };
  } catch (error) {
    if (!(error instanceof UnauthorizedError)) throw error;
    await transport.finishAuth(await provider.callback());
    return connect();
  }
}

const { client, transport } = await connect();
step('login', client.getNegotiatedProtocolVersion());

const call = (name, file) => client.callTool({ name, arguments: { name: file } });
step('read', said(await call('read_file', 'notes.txt')));

try {
  await call('delete_file', 'notes.txt');
  throw new Error('a reader deleted');
} catch (error) {
  // The SDK has asked for more by itself, and waits for the answer.
  if (!(error instanceof UnauthorizedError)) throw error;
  await transport.finishAuth(await provider.callback());
}
step('delete', said(await call('delete_file', 'notes.txt')));

step('again', said(await call('read_file', await later())));

if (transport.sessionId) await transport.terminateSession();
await client.close();
end();
