// Generates TypeScript for operations.graphql with GraphQL Code Generator, from the schema that the server
// reports: node codegen.mjs <url> <api key> <file>
import { readFileSync, writeFileSync } from 'node:fs';
import { codegen } from '@graphql-codegen/core';
import * as typedDocuments from '@graphql-codegen/typed-document-node';
import * as operations from '@graphql-codegen/typescript-operations';
import { buildClientSchema, getIntrospectionQuery, parse, printSchema } from 'graphql';

const [url, key, filename] = process.argv.slice(2);
const response = await fetch(url, {
  method: 'POST',
  headers: { 'content-type': 'application/json', 'x-api-key': key },
  body: JSON.stringify({ query: getIntrospectionQuery() }),
});
const { data, errors } = await response.json();
if (errors) throw new Error(JSON.stringify(errors));

const location = 'operations.graphql';
const document = parse(readFileSync(new URL(location, import.meta.url), 'utf8'));
const text = await codegen({
  filename,
  schema: parse(printSchema(buildClientSchema(data))),
  documents: [{ location, document }],
  config: {
    useTypeImports: true,
    defaultScalarType: 'unknown',
    scalars: { Cursor: 'string', DateTime: 'string', Duration: 'string', Money: 'string' },
  },
  plugins: [{ operations: {} }, { typedDocuments: {} }],
  pluginMap: { operations, typedDocuments },
});
writeFileSync(filename, text);
