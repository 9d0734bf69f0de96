// Generates src/generated/ from schema.graphql and src/operations/: node codegen.mjs
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { preset } from '@graphql-codegen/client-preset';
import { codegen } from '@graphql-codegen/core';
import { buildSchema, getNamedType, isObjectType, parse, visit } from 'graphql';

const folder = (name) => new URL(name, import.meta.url);
const text = await readFile(process.argv[2] ?? folder('../../schema.graphql'), 'utf8');
const schema = buildSchema(text);

const documents = [source('call-events.graphql', callEvents())];
for (const file of (await readdir(folder('src/operations'))).sort()) {
  documents.push(source(file, await readFile(folder(`src/operations/${file}`), 'utf8')));
}

const outputs = await preset.buildGeneratesSection({
  baseOutputDir: 'src/generated/',
  schema: withoutDescriptions(parse(text)),
  documents,
  config: {
    enumsAsTypes: true,
    useTypeImports: true,
    documentMode: 'string',
    onlyOperationTypes: true,
    defaultScalarType: 'unknown',
    scalars: { Cursor: 'string', DateTime: 'string', Duration: 'string', Money: 'string' },
  },
  presetConfig: { fragmentMasking: false },
  plugins: [],
  pluginMap: {},
});
const output = outputs.find(({ filename }) => filename.endsWith('/graphql.ts'));
await rm(folder('src/generated'), { recursive: true, force: true });
await mkdir(folder('src/generated'));
// The package with this interface has types only; src/documents.ts has the same.
const generated = (await codegen(output)).replace('@graphql-typed-document-node/core', '../documents.js');
await writeFile(folder('src/generated/graphql.ts'), generated);

/** They are in schema.graphql, and would be most of the generated file. */
function withoutDescriptions(document) {
  return visit(document, { enter: (node) => (node.description ? { ...node, description: undefined } : undefined) });
}

function source(location, rawSDL) {
  return { location, rawSDL, document: parse(rawSDL) };
}

/** A subscription to everything that an event of a call says, except for what is deprecated. */
function callEvents() {
  const kinds = schema.getType('CallUpdate').getTypes().map(selection);
  return `subscription CallEvents($callId: ID!, $after: Cursor) {
    callEvents(callId: $callId, after: $after) {
      __typename
      ... on CallEvent { cursor seq at }
      ${kinds.join('\n')}
    }
  }`;
}

function selection(kind) {
  const fields = Object.values(kind.getFields())
    .filter(({ name }) => !['cursor', 'seq', 'at', 'call'].includes(name))
    .filter(({ deprecationReason }) => deprecationReason === undefined)
    .map(({ name, type }) => `${name} ${leaves(getNamedType(type))}`);
  return `... on ${kind.name} { ${fields.join(' ')} }`;
}

function leaves(type) {
  if (!isObjectType(type)) return '';
  const fields = Object.values(type.getFields()).filter(({ deprecationReason }) => deprecationReason === undefined);
  return `{ ${fields.map(({ name }) => name).join(' ')} }`;
}
