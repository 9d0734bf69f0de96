// An owner, an editor and a viewer work in GraphiQL, each in a browser of their own, until the owner suspends the
// viewer, who watches a call. Prints what they saw, as JSON.
//   node team.mjs <url of the API> <access token of the owner>

import { report, signIn, watched } from "./browser.mjs";

const [api, token] = process.argv.slice(2);

const ERROR = "... on Error { code message path }";
const EVENTS = `subscription ($callId: ID!, $after: Cursor) { callEvents(callId: $callId, after: $after) {
  ... on CallEvent { cursor } ... on UserTurn { text } ... on AgentTurn { text } } }`;

await report(work);

async function work(browser) {
  const [owner, editor, viewer] = await Promise.all([1, 2, 3].map(() => person(browser)));
  await signIn(owner.page, `${api}/graphiql`, token);
  const { data: team } = await owner.execute(`mutation {
    editor: inviteMember(input: { email: "editor@acme.example", role: "EDITOR" }) { ... on InviteMemberSuccess { link } }
    viewer: inviteMember(input: { email: "viewer@acme.example", role: "VIEWER" }) { ... on InviteMemberSuccess { link } }
    caller: createApiKey(input: { name: "caller", role: "OPERATOR" }) { ... on CreateApiKeySuccess { value } }
    screen: createApiKey(input: { name: "screen", role: "VIEWER" }) { ... on CreateApiKeySuccess { value apiKey { id } } } }`);
  await Promise.all([editor.accept(team.editor.link), viewer.accept(team.viewer.link)]);

  const { data: built } = await editor.execute(`mutation {
    createTool(input: { name: "opening_hours", description: "When we are open.", actions: [{ respond: { message: "At nine." } }] }) { __typename }
    createAgent(input: { name: "desk", prompt: { system: "You work at the desk.", greeting: "Good day." }, tools: ["opening_hours"],
      llm: { provider: "scripted", model: "rules", options: { rules: [{ says: "We open at nine." }] } } }) { __typename }
    createWorkflow(input: { slug: "surgery", nodes: [{ id: "desk", agent: "desk", isEntry: true, isExit: true }] }) {
      __typename ... on CreateWorkflowSuccess { workflow { id } } } }`);
  const { data: started } = await editor.execute(
    `mutation ($id: ID!) {
      publishWorkflow(input: { id: $id, expectedRevision: 1 }) { __typename }
      startCall(input: { workflow: { slug: "surgery" } }) { ... on StartCallSuccess { call { id } } ${ERROR} } }`,
    { id: built.createWorkflow.workflow.id },
  );
  const callId = started.startCall.call.id;

  const refused = await viewer.execute(
    `mutation ($input: SendMessageInput!) { sendMessage(input: $input) { __typename } }`,
    { input: { callId, text: "I may only watch" } },
  );
  const { data: self } = await viewer.execute("{ viewer { memberId memberships { role } } }");
  await viewer.start(EVENTS, { callId });
  await viewer.answer("Good day.");
  const { data: sent } = await editor.execute(
    `mutation ($input: SendMessageInput!) { sendMessage(input: $input) { __typename ${ERROR} } }`,
    { input: { callId, text: "When do you open?" } },
  );
  const watching = await viewer.answer("We open at nine.");
  const { data: suspended } = await owner.execute(
    `mutation ($id: ID!) { suspendMember(input: { id: $id }) { __typename ${ERROR} } }`,
    { id: self.viewer.memberId },
  );
  const closed = await viewer.answer("The API closed the subscription");
  await viewer.page.locator("output", { hasText: "The API refused this token" }).waitFor();
  const outside = await viewer.execute("{ viewer { scopes } }");
  return {
    team: { caller: team.caller.value, screen: team.screen.value, screenId: team.screen.apiKey.id },
    built: Object.values(built).map(({ __typename }) => __typename),
    ...{ callId, role: self.viewer.memberships[0].role, sent, suspended },
    ...{ refused: refused.errors[0], closed: closed.errors[0].message, outside: outside.errors[0] },
    turns: watching.newestFirst.map(({ data }) => data.callEvents.text).filter(Boolean).reverse(),
    link: await viewer.page.getByRole("link", { name: "Sign in with a password" }).getAttribute("href"),
    requests: [owner, editor, viewer].flatMap((each) => each.outside),
  };
}

/** Someone with a browser, and what they do in it. */
async function person(browser) {
  const { page, outside } = await watched(await browser.newContext(), [new URL(api).host]);
  const editor = (name) => page.locator(`.graphiql-${name} .CodeMirror`).first();
  const write = async (name, text) => {
    await editor(name).click();
    await page.keyboard.press("Control+A");
    await page.keyboard.insertText(text);
    await page.keyboard.press("Escape");
  };
  const answer = async (part) => {
    await page.locator(".result-window", { hasText: part }).waitFor();
    return JSON.parse(await editor("response").evaluate((node) => node.CodeMirror.getValue()));
  };
  const start = async (document, variables = {}) => {
    await write("query-editor", document);
    await write("editor-tool:not(.hidden)", JSON.stringify(variables));
    await editor("response").evaluate((node) => node.CodeMirror.setValue(""));
    await page.getByRole("button", { name: /^Execute query/ }).click();
  };
  const execute = async (document, variables) => {
    await start(document, variables);
    return answer(/"(data|errors)"/);
  };
  const accept = async (link) => {
    // Links of earlier releases lead to this page, which remains.
    await page.goto(link.replace("/studio/account/", "/account"));
    await page.getByLabel("New password").fill("plum orchard behind a ferry");
    await page.getByRole("button", { name: "Continue" }).click();
    await page.getByRole("link", { name: "GraphiQL" }).click();
  };
  return { page, outside, answer, start, execute, accept };
}
