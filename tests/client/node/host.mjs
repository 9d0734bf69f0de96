// The server of a page on another host: node host.mjs <port> <folder of the examples> <URL of LiveKit>
// It has the page with the widget, whose server.ts it runs, and the page with React.

import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { Readable } from 'node:stream';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const [port, folder, livekit] = process.argv.slice(2);
const studio = process.env.STUDIO_URL;
const { handle } = await import(pathToFileURL(`${folder}/server.js`));
const tags = await readFile(`${folder}/widget.html`, 'utf8');
const { outputFiles } = await build({
  entryPoints: [`${folder}/page.tsx`],
  bundle: true,
  write: false,
  jsx: 'automatic',
  define: { 'process.env.NODE_ENV': '"production"' },
});

const POLICY = `default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none';
  require-trusted-types-for 'script'; trusted-types 'none'; script-src ${studio};
  img-src data:; connect-src 'self' ${livekit} ${livekit.replace(/^ws/, 'http')}`.replaceAll('\n', '');
const html = (title, body) =>
  `<!doctype html><html lang="en"><head><meta name="viewport" content="width=device-width"><title>${title}</title>
  <link rel="icon" href="data:,"></head><body>${body}</body></html>`;

createServer(async (incoming, outgoing) => {
  const url = new URL(incoming.url, `http://127.0.0.1:${port}`);
  const send = (type, body, headers = {}) => outgoing.writeHead(200, { 'content-type': type, ...headers }).end(body);
  if (url.pathname === '/') {
    const page = html('The clinic', `<main><h1>The clinic</h1>${tags}</main>`);
    return send('text/html', page, { 'content-security-policy': POLICY });
  }
  if (url.pathname === '/react') return send('text/html', html('A call', '<script src="/page.js"></script>'));
  if (url.pathname === '/page.js') return send('text/javascript', outputFiles[0].text);
  if (url.pathname !== '/call') return outgoing.writeHead(204).end();
  const controller = new AbortController();
  outgoing.on('close', () => controller.abort());
  const body = incoming.method === 'POST' ? { body: Readable.toWeb(incoming), duplex: 'half' } : {};
  const { method, headers } = incoming;
  const response = await handle(new Request(url, { method, headers, signal: controller.signal, ...body }));
  outgoing.writeHead(response.status, Object.fromEntries(response.headers));
  if (response.body) Readable.fromWeb(response.body).on('error', () => undefined).pipe(outgoing);
  else outgoing.end();
}).listen(Number(port), '127.0.0.1', () => console.log('ready'));
