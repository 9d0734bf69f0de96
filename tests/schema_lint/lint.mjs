// Applies the recommended and the Relay rules for schemas: node lint.mjs <folder with schema.graphql>.
// Prints the findings as JSON.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import plugin from '@graphql-eslint/eslint-plugin';
import { ESLint } from 'eslint';

const [folder] = process.argv.slice(2);
const rules = {};
for (const name of ['flat/schema-recommended', 'flat/schema-relay']) {
  Object.assign(rules, plugin.configs[name].rules);
}
// Values and lists of bounded length, such as the nodes of a graph, are lists without pages.
rules['@graphql-eslint/relay-edge-types'] = ['error', { listTypeCanWrapOnlyEdgeType: false }];
// Logs and short lists are paged forward only.
rules['@graphql-eslint/relay-arguments'] = ['error', { includeBoth: false }];
// Pages, their edges, and results of mutations are made for one answer; what is in them has the id.
rules['@graphql-eslint/strict-id-in-types'] = [
  'error',
  { exceptions: { suffixes: ['Connection', 'Edge', 'Success'] } },
];

const eslint = new ESLint({
  cwd: folder,
  overrideConfigFile: true,
  overrideConfig: [
    {
      files: ['**/*.graphql'],
      languageOptions: {
        parser: plugin.parser,
        parserOptions: { graphQLConfig: { schema: 'schema.graphql' } },
      },
      plugins: { '@graphql-eslint': plugin },
      rules,
    },
  ],
});
const lines = readFileSync(join(folder, 'schema.graphql'), 'utf8').split('\n');

// The type on a line, or the type and its field.
function elementAt(number) {
  const declaration = /^(?:type|input|interface|enum|union|scalar|directive) @?(\w+)/;
  const own = lines[number - 1];
  let above = number - 1;
  while (above > 0 && !declaration.test(lines[above])) above -= 1;
  const owner = lines[above].match(declaration)[1];
  return declaration.test(own) ? owner : `${owner}.${own.match(/\w+/)[0]}`;
}

const [result] = await eslint.lintFiles(['schema.graphql']);
const findings = result.messages.map(({ ruleId, message, line }) => ({
  rule: (ruleId ?? 'parser').replace('@graphql-eslint/', ''),
  at: ruleId ? elementAt(line) : '',
  message,
}));
console.log(JSON.stringify({ rules: Object.keys(rules).length, findings }));
