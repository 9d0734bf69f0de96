"use client";

import type { ComponentType } from "react";
import { SettingsDocument } from "@/gql/settings";
import { problemOf } from "@/data/problem";
import { useQueryString } from "@/data/use-query-string";
import { useRead } from "@/data/use-read";
import { useTitle } from "@/data/use-title";
import { Card } from "@/ui/card";
import { LinkTabs } from "@/ui/link-tabs";
import { PageHeader } from "@/ui/page-header";
import { Failed, Loading, Skeleton } from "@/ui/states";
import { BudgetsSection } from "./budgets-section";
import { DefaultsSection } from "./defaults-section";
import { EndpointsSection } from "./endpoints-section";
import { HoursSection } from "./hours-section";
import { McpSection } from "./mcp-section";
import { PricesSection } from "./prices-section";
import { SECTIONS, type SectionName } from "./sections";
import { TextsSection } from "./texts-section";
import type { SectionProps } from "./use-settings-form";
import { ValuesSection } from "./values-section";

const VIEWS: Record<SectionName, ComponentType<SectionProps>> = {
  defaults: DefaultsSection,
  hours: HoursSection,
  budgets: BudgetsSection,
  prices: PricesSection,
  values: ValuesSection,
  endpoints: EndpointsSection,
  mcp: McpSection,
  texts: TextsSection,
};

export function SettingsPage() {
  const [query] = useQueryString();
  const section = SECTIONS.find(({ name }) => name === query.get("section")) ?? SECTIONS[0];
  useTitle(`Settings: ${section.title}`);
  const [{ data, error }, again] = useRead({ query: SettingsDocument, variables: {}, requestPolicy: "cache-and-network" });
  const reload = () => again({ requestPolicy: "network-only" });
  const View = VIEWS[section.name];
  const settings = data?.settings;
  return (
    <>
      <PageHeader title="Settings" />
      <LinkTabs
        label="Sections of the settings"
        tabs={SECTIONS.map((each) => ({ href: `/settings/?section=${each.name}`, title: each.title, isCurrent: each === section }))}
      />
      <div className="max-w-3xl">
        {settings ? (
          <View key={section.name} settings={settings} reload={reload} />
        ) : error ? (
          <Card><Failed problem={problemOf(error)} onRetry={reload} /></Card>
        ) : (
          <Loading what="the settings">
            <div className="grid gap-5">
              <Skeleton className="h-64 w-full" />
              <Skeleton className="h-48 w-full" />
            </div>
          </Loading>
        )}
      </div>
    </>
  );
}
