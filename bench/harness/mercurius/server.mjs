// Serves the same list of calls as the API with Mercurius and its JIT, from the same database.
import Fastify from 'fastify'
import mercurius from 'mercurius'
import pg from 'pg'

const schema = `
  type Query { calls(first: Int): CallConnection }
  type CallConnection { edges: [CallEdge!]! pageInfo: PageInfo! }
  type CallEdge { cursor: String! node: Call! }
  type PageInfo { hasNextPage: Boolean! endCursor: String }
  type Call {
    id: ID! kind: String! state: String! direction: String!
    createdAt: String! endedAt: String endReason: String userId: String
  }`
const query = `
  select call.id, call.kind, call_log.state, call.direction, call.created_at, call_log.ended_at,
    call_log.end_reason, call.user_id, call.user_context, call.metadata, call.workflow_id,
    call.version_id, call.max_seconds, call.phone_number
  from call join call_log on call_log.call_id = call.id
  where call.tenant_id = $1 order by call.created_at desc, call.id desc limit $2`

const base64 = (text) => Buffer.from(text).toString('base64url')
const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 10 })

function toNode (row) {
  return {
    id: base64(`Call:${row.id}`),
    kind: row.kind,
    state: row.state,
    direction: row.direction,
    createdAt: row.created_at.toISOString(),
    endedAt: row.ended_at?.toISOString(),
    endReason: row.end_reason,
    userId: row.user_id
  }
}

const resolvers = {
  Query: {
    async calls (_, { first }) {
      const values = [process.env.TENANT, first + 1]
      const { rows } = await pool.query({ name: 'calls', text: query, values })
      const edges = rows.slice(0, first).map((row) => ({
        cursor: base64(`${row.created_at.toISOString()}|${row.id}`),
        node: toNode(row)
      }))
      return { edges, pageInfo: { hasNextPage: rows.length > first, endCursor: edges.at(-1)?.cursor } }
    }
  }
}

const app = Fastify()
await app.register(mercurius, { schema, resolvers, jit: 1 })
await app.listen({ host: '127.0.0.1', port: 0 })
console.log(app.server.address().port)
