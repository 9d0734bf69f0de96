// The owner of an installation loses the connection at every mutation about agents, tools, workflows and calls. Prints what
// the pages did wrong, as JSON.
//   node dashboard_failures_building.mjs <url of the API> <id of a text call> <id of a voice call>

import { reportFailures } from "./failures.mjs";

const [api, textCall, voiceCall] = process.argv.slice(2);

const MICROPHONE = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"];

await reportFailures(api, [signIn, agents, tools, mcpServers, workflows, builder, versions, calls], ...MICROPHONE);

async function signIn({ page, heading, press }) {
  await page.goto(`${api}/studio/agents/`);
  await press("Continue on this machine");
  await heading("Agents");
}

async function agents({ page, heading, field, press, asks, said, open, fails }) {
  await open("/agent/", "New agent");
  await field("Name").fill("front-desk");
  await field("Instructions").click();
  await page.keyboard.type("You answer the phone.");
  await fails("CreateAgent", () => press("Create"), { wrong: { name: "Name" }, then: () => heading("front-desk") });
  await press("Choose a provider", page.locator("#voice"));
  await fails("PreviewVoice", () => press(/^Listen to Cartesia/), {
    wrong: { "tts.model": "Text to speech: model" },
    then: async () => {
      await page.getByText("The sample is playing.").waitFor({ state: "attached" });
      await press("Stop the sample");
    },
  });
  await field("Silence that ends the call (s)").fill("60");
  await fails("UpdateAgent", () => press("Save"), {
    wrong: { "session.disconnectAfter": "Silence that ends the call (s)" },
    then: () => said("The agent was saved."),
  });
  await asks("Delete");
  await fails("DeleteAgent", () => press("Delete the agent"), { then: () => heading("Agents") });
}

async function tools({ page, heading, field, press, choose, said, closed, open, fails }) {
  await open("/tool/", "New tool");
  await page.getByLabel("Name", { exact: true }).first().fill("greet");
  await page.getByLabel("Description").first().fill("Greets the caller.");
  await choose("Add a step to Steps", "Respond to the model");
  await field("Message").click();
  await page.keyboard.type("Hello.");
  await fails("CreateTool", () => press("Create"), { wrong: { name: "Name" }, then: () => heading("greet") });
  await page.getByLabel("Description").first().fill("Greets the caller by name.");
  await fails("UpdateTool", () => press("Save"), { wrong: { description: "Description" }, then: () => said("The tool was saved.") });
  const test = page.getByRole("region", { name: "Test" });
  await fails("TestTool", () => press("Run", test), { then: () => test.getByText("Every step succeeded.").last().waitFor() });
  await open("/tools/", "Tools");
  await choose("Actions for greet", "Delete…");
  await fails("DeleteTool", () => press("Delete the tool"), { then: closed });
}

async function mcpServers({ page, field, press, asks, said, closed, open, fails }) {
  await open("/mcp/", "MCP servers");
  await page.getByLabel("Import stock").check();
  await fails("ImportMcpTools", () => press("Import 1 tool"), { then: () => said("1 tool was imported.") });
  await press("Edit");
  await field("Tools that may be used").fill("stock\nburn");
  await fails("SaveMcpServers", () => press("Save"), { wrong: { "mcpServers.0.allow": "Tools that may be used" }, then: closed });
  await asks("Remove");
  await fails("SaveMcpServers", () => press("Remove the server"), { then: closed });
}

async function workflows({ page, dialog, field, press, choose, closed, open, fails }) {
  await open("/workflows/", "Workflows");
  await press("Import…");
  const file = { name: "empty.json", mimeType: "application/json", buffer: Buffer.from("{}") };
  const again = dialog.getByRole("button", { name: "Check again" });
  const check = async () => ((await again.count()) ? again.click() : field("File").setInputFiles(file));
  await fails("ImportBundle", check, { then: () => dialog.getByRole("heading", { name: "What the import would do" }).waitFor() });
  await fails("ImportBundle", () => press("Import"), { then: closed });

  await press("New workflow");
  await field("Name").fill("Night desk");
  await fails("CreateWorkflow", () => press("Create"), {
    wrong: { slug: "Slug" },
    then: () => page.waitForURL(/\/studio\/workflow\/\?id=/),
  });
  await open("/workflows/", "Workflows");
  await choose("Actions for Night desk", "Rename…");
  await field("Name").fill("Night line");
  await fails("RenameWorkflow", () => press("Save"), { wrong: { name: "Name" }, then: closed });
  await choose("Actions for clinic", "Duplicate…");
  await fails("CreateWorkflow", () => press("Duplicate"), { wrong: { slug: "Slug" }, then: closed });
  await choose("Actions for Night line", "Delete…");
  await fails("DeleteWorkflow", () => press("Delete the workflow"), { then: closed });
}

async function builder({ page, heading, field, press, said, fails }) {
  await page.getByRole("link", { name: "clinic", exact: true }).click();
  await heading("clinic");
  await page.getByLabel(/^Node reception,/).waitFor();
  await field("Description").fill("Answers the phone.");
  await fails("UpdateWorkflow", () => press("Save"), {
    wrong: { description: "Description" },
    then: () => said("The workflow was saved."),
  });
}

async function versions({ page, dialog, field, press, asks, choose, closed, open, fails }) {
  await open("/workflows/", "Workflows");
  await choose("Actions for clinic", "Versions");
  await press("Publish…");
  await field("Note").fill("For the evening.");
  await fails("PublishWorkflow", () => press("Publish"), { wrong: { note: "Note" }, then: closed });
  await page.getByRole("navigation", { name: "Draft and versions" }).getByRole("link", { name: /Version 1/ }).click();
  await asks("Restore…");
  await fails("RestoreWorkflow", () => press("Restore"), { then: closed });

  await press("Talk to the draft");
  await field("Facts about the caller").fill('{"name": "Ada"}');
  await fails("StartDraftCall", () => press("Speak"));
  await fails("StartDraftCall", () => press("Write"), { then: () => dialog.getByRole("button", { name: "Hang up" }).waitFor() });
  await fails("EndCall", () => press("Hang up"), { then: () => dialog.getByRole("link", { name: "Open the call" }).waitFor() });
  await press("Close");
}

async function calls({ page, field, press, asks, closed, open, fails }) {
  await open("/calls/", "Calls");
  await press("New call");
  await page.getByRole("option", { name: "clinic", exact: true }).waitFor({ state: "attached" });
  await fails("StartCall", () => press("Start a text call"), { then: () => page.waitForURL(/\/studio\/call\/\?id=/) });

  await open(`/call/?id=${encodeURIComponent(textCall)}`, /^clinic/);
  await field("Message of the caller").fill("I need an appointment");
  await fails("SendMessage", () => press("Send"));
  await asks("End the call");
  await fails("EndCall", () => press("End the call"), { then: closed });
  await open(`/call/?id=${encodeURIComponent(voiceCall)}`, /^clinic/);
  await press("Join by voice");
  await fails("JoinCall", () => press("Join by voice"));
}
