"use client";

import { Link } from "@/ui/link";
import { useQueryString } from "@/data/use-query-string";
import { useTitle } from "@/data/use-title";
import { useMay } from "@/data/viewer";
import { buttonClass } from "@/ui/button";
import { LinkTabs } from "@/ui/link-tabs";
import { PageHeader } from "@/ui/page-header";
import { InboundList } from "./inbound-list";
import { InboundPage } from "./inbound-page";
import { NumberList } from "./number-list";
import { NumberPage } from "./number-page";
import { OutboundList } from "./outbound-list";
import { OutboundPage } from "./outbound-page";
import { LISTS, pathOf, type PhoneObject } from "./paths";

const PAGES = { number: NumberPage, outbound: OutboundPage, inbound: InboundPage };
const KINDS = ["number", "outbound", "inbound"] as const;
const NEW: Record<PhoneObject, string> = { number: "New number", outbound: "New outbound trunk", inbound: "New inbound trunk" };

export function PhonePage() {
  const [query] = useQueryString();
  const kind = KINDS.find((each) => query.has(each));
  if (!kind) return <Lists />;
  const Page = PAGES[kind];
  const id = query.get(kind) ?? "";
  return <Page key={id} id={id === "new" ? null : id} />;
}

function Lists() {
  const [query] = useQueryString();
  const mayWrite = useMay("TELEPHONY_WRITE");
  const tab = KINDS.find((each) => each === query.get("tab")) ?? "number";
  useTitle(LISTS[tab].title);
  return (
    <>
      <PageHeader title="Phone numbers">
        {mayWrite && (
          <Link href={pathOf(tab)} className={buttonClass("primary")}>
            {NEW[tab]}
          </Link>
        )}
      </PageHeader>
      <LinkTabs
        label="Telephony"
        tabs={KINDS.map((each) => ({ ...LISTS[each], title: each === "number" ? "Numbers" : LISTS[each].title, isCurrent: each === tab }))}
      />
      {tab === "number" && <NumberList />}
      {tab === "outbound" && <OutboundList />}
      {tab === "inbound" && <InboundList />}
    </>
  );
}
