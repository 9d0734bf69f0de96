// The owner of an installation loses the connection at every mutation about telephony, keys of providers, secrets and
// settings. Prints what the pages did wrong, as JSON.
//   node dashboard_failures_connections.mjs <url of the API>

import { reportFailures } from "./failures.mjs";

const [api] = process.argv.slice(2);

await reportFailures(api, [signIn, inboundTrunk, outboundTrunk, phoneNumber, keysOfProviders, secretsAndSettings]);

async function signIn({ page, press }) {
  await page.goto(`${api}/studio/phone/`);
  await press("Continue on this machine");
  await page.getByRole("link", { name: /\+12025550101/ }).waitFor();
}

async function inboundTrunk({ page, heading, field, press, asks, said, open, fails }) {
  await open("/phone/?inbound=new", "New inbound trunk");
  await field("Name").fill("gate");
  await field("Allowed addresses").fill("192.0.2.0/30");
  await field("User name").fill("studio");
  await field("Password").fill("not-a-password");
  await fails("CreateInboundTrunk", () => press("Create"), {
    wrong: { allowedAddresses: "Allowed addresses" },
    then: () => heading("gate"),
  });
  await field("SIP headers").fill("X-Campaign");
  await fails("UpdateInboundTrunk", () => press("Save"), {
    wrong: { contextHeaders: "SIP headers" },
    then: () => said("The trunk gate was saved."),
  });
  await asks("Delete");
  await fails("DeleteInboundTrunk", () => press("Delete the trunk"), { then: () => page.waitForURL(/tab=inbound/) });
}

async function outboundTrunk({ page, dialog, heading, field, press, asks, said, closed, open, fails }) {
  await open("/phone/?outbound=new", "New outbound trunk");
  await field("Name").fill("spare");
  await field("Address").fill("example.pstn.twilio.com");
  await field("Region").fill("US");
  await fails("CreateOutboundTrunk", () => press("Create"), { wrong: { address: "Address" }, then: () => heading("spare") });
  await field("Calls per day").fill("50");
  await fails("UpdateOutboundTrunk", () => press("Save"), {
    wrong: { "limits.callsPerDay": "Calls per day" },
    then: () => said("The trunk spare was saved."),
  });
  await asks("Delete");
  await fails("DeleteOutboundTrunk", () => press("Delete the trunk"), { then: () => page.waitForURL(/tab=outbound/) });

  await page.getByRole("link", { name: "carrier" }).click();
  await heading("carrier");
  await press("Call a number");
  await field("Number to call").fill("+12025550102");
  await dialog.getByRole("option", { name: "clinic" }).waitFor({ state: "attached" });
  await fails("DialNumber", () => press("Call now"), { wrong: { phoneNumber: "Number to call" } });
  await press("Cancel");
  await closed();
  await fails("ResumeOutboundTrunk", () => press("Resume now"), { then: () => said("The trunk carrier dials again.") });
}

async function phoneNumber({ page, heading, field, press, asks, said, open, fails }) {
  await open("/phone/?number=new", "New number");
  await field("Number").fill("+12025550123");
  await field("User context").fill('{"desk": "north"}');
  await fails("CreatePhoneNumber", () => press("Create"), { wrong: { number: "Number" }, then: () => heading("+12025550123") });
  await field("Goodbye").fill("Please call again.");
  await fails("UpdatePhoneNumber", () => press("Save"), {
    wrong: { "hold.goodbye": "Goodbye" },
    then: () => said("The number +12025550123 was saved."),
  });
  await asks("Release");
  await fails("DeletePhoneNumber", () => press("Release the number"), { then: () => heading("Phone numbers") });
}

async function keysOfProviders({ page, dialog, heading, field, press, asks, closed, open, fails }) {
  await open("/providers/", "Providers");
  await page.getByRole("region", { name: "Speech to text" }).getByRole("link", { name: /Deepgram/ }).click();
  await heading(/^Deepgram/);
  await press(/^(Set|Add) a key$/);
  await field("API key").fill("a-key-of-this-test");
  await fails("TestCredential", () => press("Test", dialog));
  await fails("SetCredential", () => press("Store"), { wrong: { key: "API key" }, then: closed });
  const row = page.getByRole("listitem").filter({ hasText: "…test" });
  await fails("TestCredential", () => press("Test", row));
  await asks("Delete", row);
  await fails("DeleteCredential", () => press("Delete the key"), { then: closed });
}

async function secretsAndSettings({ page, field, press, choose, said, closed, open, fails }) {
  await open("/secrets/", "Secrets");
  await press("New secret");
  await field("Name").fill("crm_token");
  await field("Value").fill("the value of this test");
  await field("Hosts").fill("api.crm.example");
  await fails("SetSecret", () => press("Store"), { wrong: { value: "Value" }, then: closed });
  await choose("Actions for crm_token", "Delete…");
  await fails("DeleteSecret", () => press("Delete the secret"), { then: closed });

  await open("/settings/?section=budgets", "Settings");
  await field("Dollars per month").fill("500");
  await fails("UpdateSettings", () => press("Save"), {
    wrong: { "budgets.spendPerMonth": "Dollars per month" },
    then: () => said("The budgets were saved."),
  });
  await open("/settings/?section=endpoints", "Settings");
  await press("Add an endpoint");
  await field("Name").fill("crm");
  await field("URL").fill("https://api.crm.example");
  await fails("UpdateSettings", () => press("Save"), {
    wrong: { "endpoints.0.url": "URL" },
    then: () => said("The endpoints were saved."),
  });
}
