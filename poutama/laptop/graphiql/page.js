/* The page at /graphiql: GraphiQL over this server's own /graphql, with a slot for a token. */
"use strict";

const welcome = `# Kia ora! One student's dashboard.
#
# 1. Get a token, in a terminal:
#    .venv/bin/poutama token \\
#      student-0001@demo.example
# 2. Put it after "Bearer", under
#    Headers below.
# 3. Press Ctrl-Enter.

query Dashboard {
  me {
    name
  }
  goals {
    id
    goalType
    title
    complete
    dueAt
    tasks {
      id
      information
      complete
    }
    notes {
      id
      information
    }
  }
}
`;

const tokenSlot = JSON.stringify({ Authorization: "Bearer " }, null, 2);

/** A slot that is still empty is no token: without this the schema could not be asked for. */
function withoutEmptyToken(headers) {
  const kept = Object.entries(headers ?? {}).filter(
    ([name, value]) =>
      name.toLowerCase() !== "authorization" || !/^\s*(Bearer)?\s*$/i.test(String(value)),
  );
  return Object.fromEntries(kept);
}

const fetchGraphQL = GraphiQL.createFetcher({ url: "/graphql" });

ReactDOM.createRoot(document.getElementById("graphiql")).render(
  React.createElement(GraphiQL, {
    fetcher: (parameters, options) =>
      fetchGraphQL(parameters, { ...options, headers: withoutEmptyToken(options?.headers) }),
    defaultQuery: welcome,
    defaultHeaders: tokenSlot,
    defaultEditorToolsVisibility: "headers",
    isHeadersEditorEnabled: true,
    shouldPersistHeaders: false,
  }),
);
