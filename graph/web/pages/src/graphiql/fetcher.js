// The fetcher of GraphiQL: one function for queries, mutations and subscriptions.

import { getOperationAST } from "graphql";
import { connect, cursorOf, failure, post, reason } from "../shared/api.js";

const MAX_SHOWN = 200; // events; older ones are removed

export async function fetcher(request, { headers, documentAST } = {}) {
  const operation = documentAST && getOperationAST(documentAST, request.operationName);
  if (operation?.operation === "subscription") return follow(request, operation, headers);
  const result = await post(request, headers);
  // Without `data` GraphiQL would request the schema again, without subscriptions.
  return request.operationName === "IntrospectionQuery" ? { data: null, ...result } : result;
}

/** An observable of everything received so far, newest first: GraphiQL shows one value at a time. */
function follow(request, operation, own) {
  return {
    subscribe(sink) {
      const payload = { ...request, variables: { ...request.variables } };
      const resumes = operation.variableDefinitions?.some((v) => v.variable.name.value === "after");
      const newestFirst = [];
      let received = 0;
      let due;

      const client = connect(own, () => {
        if (received && !resumes) newestFirst.unshift("— reconnected: the subscription starts again —");
      });
      const show = (more) => {
        clearTimeout(due);
        due = undefined;
        sink.next({ ...more, received, newestFirst });
      };
      const stop = client.subscribe(payload, {
        next(result) {
          received += 1;
          newestFirst.unshift(result);
          newestFirst.splice(MAX_SHOWN);
          // After a lost connection the client sends this payload again.
          const cursor = resumes && cursorOf(result.data);
          if (cursor) payload.variables.after = cursor;
          due ??= setTimeout(show, 40); // a replay may deliver hundreds at once
        },
        error(cause) {
          show(Array.isArray(cause) ? { errors: cause } : failure(reason(cause)));
          sink.complete();
        },
        complete() {
          show();
          sink.complete();
        },
      });
      return {
        unsubscribe() {
          clearTimeout(due);
          stop();
        },
      };
    },
  };
}
