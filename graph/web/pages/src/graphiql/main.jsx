// The page: GraphiQL below a bar with the token.

import { useEffect, useState, useSyncExternalStore } from "react";
import { createRoot } from "react-dom/client";
import { GraphiQL } from "graphiql";
import "graphiql/style.css";
import "./page.css";
import overview from "./overview.graphql";
import watchCall from "./watch-call.graphql";
import { localToken, onChange, pasted, session, signIn, signOut } from "../shared/session.js";
import { fetcher } from "./fetcher.js";

const FIRST_TABS = [
  { query: overview },
  { query: watchCall, variables: JSON.stringify({ callId: "" }, null, 2) },
];

const useSession = () => useSyncExternalStore(onChange, session);

function Page() {
  const { token } = useSession();
  // A new function for a new token makes GraphiQL fetch the schema again.
  const [signedIn, setSignedIn] = useState({ token, fetcher });
  if (signedIn.token !== token) setSignedIn({ token, fetcher: (...request) => fetcher(...request) });
  return (
    <>
      <Bar />
      <GraphiQL
        fetcher={signedIn.fetcher}
        schema={token ? undefined : null} // null: no schema, and do not fetch it
        defaultTabs={FIRST_TABS}
        defaultEditorToolsVisibility="variables"
        shouldPersistHeaders={false}
      >
        <GraphiQL.Logo>GraphiQL</GraphiQL.Logo>
      </GraphiQL>
    </>
  );
}

function Bar() {
  const { token, standing } = useSession();
  const [hasLocal, setHasLocal] = useState(false);
  const [problem, setProblem] = useState("");
  useEffect(() => {
    localToken.offered("/graphiql").then(setHasLocal);
  }, []);

  const isOut = token === "" || standing === "REFUSED";
  const enter = (token) => {
    setProblem("");
    if (token) signIn(token);
    else signOut();
  };
  const useLocal = () =>
    localToken.fetch("/graphiql").then(enter, () =>
      setProblem("The local token is no longer available. Was the API restarted?"),
    );
  const submit = (event) => {
    event.preventDefault();
    enter(pasted(new FormData(event.currentTarget).get("token")));
  };

  return (
    <header className="bar">
      <strong>Agent Studio</strong>
      <form onSubmit={submit} key={token}>
        <input
          name="token"
          type="password"
          aria-label="Access token or API key"
          placeholder="Access token or API key"
          defaultValue={token}
          autoComplete="off"
          spellCheck={false}
        />
        {isOut && <button type="submit">Sign in</button>}
        {token && (
          <button type="button" onClick={() => enter("")}>
            Sign out
          </button>
        )}
        {isOut && hasLocal && (
          <button type="button" className="main" onClick={useLocal}>
            Use local token
          </button>
        )}
      </form>
      <output className={isOut ? "out" : "in"}>
        {problem || message(token, standing, hasLocal)}
      </output>
      {isOut && <a href="/account">Sign in with a password</a>}
    </header>
  );
}

function message(token, standing, hasLocal) {
  const options = hasLocal ? "Use the local token, or paste" : "Paste";
  if (!token) return `Not signed in. ${options} an access token or an API key.`;
  if (standing === "REFUSED") return "The API refused this token: it is wrong, has expired or was revoked.";
  return standing === "ACCEPTED" ? "Signed in." : "Not checked by the API yet.";
}

createRoot(document.getElementById("page")).render(<Page />);
