// Applies the recommended and the Relay rules for schemas: node lint.mjs <folder with schema.graphql>.
// Prints the findings as JSON.
import plugin from '@graphql-eslint/eslint-plugin';
import { ESLint } from 'eslint';

const [folder] = process.argv.slice(2);
const rules = {};
for (const name of ['flat/schema-recommended', 'flat/schema-relay']) {
  Object.assign(rules, plugin.configs[name].rules);
}
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
const [result] = await eslint.lintFiles(['schema.graphql']);
const findings = result.messages.map(({ ruleId, message, line, fatal }) => ({
  rule: (ruleId ?? (fatal ? 'fatal' : 'unknown')).replace('@graphql-eslint/', ''),
  message,
  line,
}));
console.log(JSON.stringify({ rules: Object.keys(rules).length, findings }));
