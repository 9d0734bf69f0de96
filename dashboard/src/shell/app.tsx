"use client";

import { StudioProvider } from "agent-studio-client/react";
import dynamic from "next/dynamic";
import { usePathname } from "next/navigation";
import { useMemo, useSyncExternalStore, type ReactNode } from "react";
import { Provider as CacheProvider } from "urql";
import { account, forgetLocalKey, type Account } from "@/data/account";
import { createCacheClient } from "@/data/cache";
import { ViewerProvider } from "@/data/viewer";
import { Toasts } from "@/ui/toast";
import { Frame, FrameSkeleton } from "./frame";
import { loadSignIn, SignInNotLoaded } from "./load-sign-in";
import "./nonce";

const SignIn = dynamic(
  () =>
    loadSignIn().then(
      (module) => module.SignIn,
      () => SignInNotLoaded,
    ),
  { ssr: false },
);

const useAccount = () => useSyncExternalStore(account.subscribe, account.get, () => undefined);

/** Every page, or the sign-in at the same address, which continues with the page. */
export function App({ children }: { children: ReactNode }) {
  const user = useAccount();
  // The page of links that set a password or accept an invitation needs no account.
  if (usePathname().startsWith("/account")) return <Toasts>{children}</Toasts>;
  return (
    <Toasts>
      {user === undefined && <FrameSkeleton />}
      {user === null && <SignIn />}
      {user && <SignedIn key={user.id} user={user}>{children}</SignedIn>}
    </Toasts>
  );
}

function SignedIn({ user, children }: { user: Account; children: ReactNode }) {
  const client = useMemo(() => createCacheClient(user.studio, forgetLocalKey), [user]);
  return (
    <StudioProvider studio={user.studio}>
      <CacheProvider value={client}>
        <ViewerProvider fallback={<FrameSkeleton />}>
          <Frame>{children}</Frame>
        </ViewerProvider>
      </CacheProvider>
    </StudioProvider>
  );
}
