// What the clients of both versions share: lines for the test that runs them, and a memory.
//
// Out: `AUTHORIZE <url>`, where a browser has to go; `LATER`, when time may pass;
// `STEP <name> <what>`, one for each step.
// In: the URL that the browser was sent back to; the name of a file, and how many seconds have passed.
import { createInterface } from 'node:readline';

const stdin = createInterface({ input: process.stdin });
const lines = stdin[Symbol.asyncIterator]();

export const server = new URL(process.argv[2]);

export function step(name, what) {
  console.log(`STEP ${name} ${what}`);
}

async function answer() {
  const { value, done } = await lines.next();
  if (done) throw new Error('the test says nothing more');
  return value;
}

export async function later() {
  console.log('LATER');
  const [file] = (await answer()).split(' ');
  return file;
}

export function end() {
  stdin.close();
}

export function said(result) {
  if (result.isError) throw new Error(`an error of the tool: ${JSON.stringify(result)}`);
  return result.content[0].text.trim();
}

// Keeps what it is given, as it is.
export class Memory {
  redirectUrl = 'http://127.0.0.1:9/callback';
  clientMetadata = {
    client_name: 'TypeScript',
    redirect_uris: [this.redirectUrl],
    grant_types: ['authorization_code', 'refresh_token'],
  };

  state() {
    return (this.expected = crypto.randomUUID());
  }

  clientInformation() {
    return this.client;
  }

  saveClientInformation(client) {
    this.client = client;
  }

  tokens() {
    return this.kept;
  }

  saveTokens(tokens) {
    this.kept = tokens;
  }

  codeVerifier() {
    return this.verifier;
  }

  saveCodeVerifier(verifier) {
    this.verifier = verifier;
  }

  discoveryState() {
    return this.discovered;
  }

  saveDiscoveryState(discovered) {
    this.discovered = discovered;
  }

  redirectToAuthorization(url) {
    console.log(`AUTHORIZE ${url}`);
  }

  // The parameters that the browser came back with.
  async callback() {
    const parameters = new URL(await answer()).searchParams;
    if (parameters.get('state') !== this.expected) throw new Error('the state of somebody else');
    return parameters;
  }
}
