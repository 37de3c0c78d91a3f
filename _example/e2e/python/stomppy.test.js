// stomp.py, the client of Python programs, with its own acknowledgements.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { signUp, startServer } from '../clients/harness.js';

const script = fileURLToPath(new URL('chat.py', import.meta.url));

test('stomp.py in every version, at both WebSockets', async (t) => {
  const server = await startServer();
  t.after(() => server.stop());
  const [sender, receiver] = await Promise.all([signUp(server, 'a'), signUp(server, 'b')]);
  let output = '';
  const child = execFile(process.env.PYTHON, [script], { timeout: 120_000 });
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => { output += text; });
  child.stdin.end(JSON.stringify({ url: server.url.replace('http', 'ws'), sender, receiver }));
  const [code] = await once(child, 'close');
  assert.equal(code, 0, output);
});
