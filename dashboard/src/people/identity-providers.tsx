"use client";

import { Link } from "@/ui/link";
import { useQuery } from "urql";
import { IdentityProvidersDocument } from "@/gql/people-identity-providers";
import { problemOf } from "@/data/problem";
import { useMay } from "@/data/viewer";
import { Badge } from "@/ui/badge";
import { buttonClass } from "@/ui/button";
import { Card } from "@/ui/card";
import { ListSkeleton } from "@/ui/list-skeleton";
import { Empty, Failed } from "@/ui/states";

export const providerHref = (id: string) => `/identity-provider/?id=${encodeURIComponent(id)}`;

const New = () => (
  <Link href="/identity-provider/" className={buttonClass("secondary")}>
    New identity provider
  </Link>
);

export function IdentityProviders() {
  const mayWrite = useMay("IDENTITY_PROVIDERS_WRITE");
  const [{ data, error }, execute] = useQuery({ query: IdentityProvidersDocument, requestPolicy: "cache-and-network" });
  const providers = data?.identityProviders;
  if (error && !providers) return <Card><Failed problem={problemOf(error)} onRetry={() => execute({ requestPolicy: "network-only" })} /></Card>;
  if (!providers) return <ListSkeleton what="identity providers" rows={2} />;
  if (!providers.length) return <Card><NoProviders mayWrite={mayWrite} /></Card>;
  return (
    <>
      <div className="mb-4 flex flex-wrap items-center justify-between gap-3">
        <p className="max-w-xl text-sm text-muted">
          With them, people sign in with the account of their organisation, and groups there can decide their role here.
          {!mayWrite && " Only owners change them."}
        </p>
        {mayWrite && <New />}
      </div>
      <Card>
        <ul className="divide-y" aria-label="Identity providers">
          {providers.map((provider) => (
            <li key={provider.id} className="relative flex min-h-16 items-center gap-4 px-4 py-3 hover:bg-hover">
              <div className="min-w-0 grow">
                <Link href={providerHref(provider.id)} className="text-sm font-medium row-link">
                  {provider.label}
                </Link>
                <p className="truncate text-sm text-muted">{provider.issuer}</p>
              </div>
              <Badge tone={provider.isEnabled ? "ok" : "neutral"}>{provider.isEnabled ? "On" : "Off"}</Badge>
            </li>
          ))}
        </ul>
      </Card>
    </>
  );
}

const NoProviders = ({ mayWrite }: { mayWrite: boolean }) => (
  <Empty icon="globe" title="No identity providers yet">
    <p>With OpenID Connect, for instance of Keycloak, Google or Microsoft Entra ID, people sign in with the account of their organisation.</p>
    {mayWrite ? (
      <p className="mt-4">
        <New />
      </p>
    ) : (
      <p className="mt-2">Only owners set them up.</p>
    )}
  </Empty>
);
