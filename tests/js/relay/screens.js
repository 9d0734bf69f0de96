// Fragments and operations as a dashboard in Relay would have them. Only relay-compiler reads this file.
import { graphql } from 'relay-runtime';

graphql`
  query screensQuery {
    ...screens_agents
    ...screens_calls
  }
`;

graphql`
  fragment screens_agents on Query
  @refetchable(queryName: "screensAgentsPageQuery")
  @argumentDefinitions(count: { type: "Int", defaultValue: 10 }, cursor: { type: "Cursor" }) {
    agents(first: $count, after: $cursor) @connection(key: "screens_agents") {
      edges {
        node {
          ...screens_agent
        }
      }
    }
  }
`;

graphql`
  fragment screens_agent on Agent @refetchable(queryName: "screensAgentQuery") {
    name
    tools {
      name
    }
  }
`;

graphql`
  fragment screens_calls on Query
  @refetchable(queryName: "screensCallsPageQuery")
  @argumentDefinitions(count: { type: "Int", defaultValue: 10 }, cursor: { type: "Cursor" }) {
    calls(first: $count, after: $cursor, filter: { live: true }) @connection(key: "screens_calls") {
      edges {
        node {
          ...screens_call
        }
      }
    }
  }
`;

graphql`
  fragment screens_call on Call
  @refetchable(queryName: "screensTurnsPageQuery")
  @argumentDefinitions(count: { type: "Int", defaultValue: 50 }, cursor: { type: "Cursor" }) {
    state
    workflow {
      name
    }
    turns(first: $count, after: $cursor) @connection(key: "screens_turns") {
      edges {
        node {
          text
        }
      }
    }
  }
`;

graphql`
  mutation screensCreateAgentMutation($input: CreateAgentInput!, $connections: [ID!]!) {
    createAgent(input: $input) {
      __typename
      ... on CreateAgentSuccess {
        agent @prependNode(connections: $connections, edgeTypeName: "AgentEdge") {
          ...screens_agent
        }
      }
      ... on Error {
        code
        message
        path
      }
    }
  }
`;

graphql`
  mutation screensDeleteAgentMutation($input: DeleteAgentInput!) {
    deleteAgent(input: $input) {
      __typename
      ... on DeleteAgentSuccess {
        agent {
          id @deleteRecord
        }
      }
      ... on Error {
        code
        message
      }
    }
  }
`;

graphql`
  subscription screensCallSubscription($callId: ID!, $after: Cursor) {
    callEvents(callId: $callId, after: $after) {
      __typename
      ... on CallEvent {
        cursor
        call {
          state
        }
      }
      ... on AgentTurn {
        text
      }
    }
  }
`;
