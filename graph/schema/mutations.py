"""The mutations. Failures that a client should handle are returned as data."""

from __future__ import annotations

import strawberry

from domain.calls.model import CallId
from domain.ports import TokenPair
from domain.tool_execution.dry_run import StubResponse
from domain.tools.model import ToolId
from domain.use_cases import agents, bundles, calls, recordings, tools, versions, workflows
from domain.workflows.agents import AgentId
from domain.workflows.model import VersionId, WorkflowId
from graph.schema.tenant_mutations import ID_PATH, Input, TenantMutation
from graph.schema.types import accounts as a
from graph.schema.types import agents as g
from graph.schema.types import bundles as b
from graph.schema.types import calls as c
from graph.schema.types import tools as t
from graph.schema.types import workflows as w
from graph.schema.types.common import as_graphql
from graph.schema.types.inputs import json_object
from resolvers import accounts
from resolvers.context import Ctx
from resolvers.global_ids import require_id

CALL_ID_PATH, VERSION_ID_PATH = ("input", "callId"), ("input", "versionId")


@strawberry.type(
    description=(
        "Operations that change data. Failures that a client should handle are returned as data."
    )
)
class Mutation(TenantMutation):
    @strawberry.mutation(description="Sign in with an email address and a password.")
    async def login(self, info: Ctx, input: Input[a.LoginInput]) -> a.LoginResult:
        return _login_success(await accounts.login(info, input.email, input.password))

    @strawberry.mutation(description="Exchange a refresh token for the next pair of tokens.")
    async def refresh_session(
        self, info: Ctx, input: Input[a.SessionInput]
    ) -> a.RefreshSessionResult:
        return _login_success(await accounts.refresh_session(info, input.refresh_token))

    @strawberry.mutation(description="End a session, which revokes its tokens.")
    async def logout(self, info: Ctx, input: Input[a.SessionInput]) -> a.LogoutSuccess:
        await accounts.logout(info, input.refresh_token)
        return a.LogoutSuccess(done=True)

    @strawberry.mutation(description="Create an agent with a unique name.")
    async def create_agent(
        self, info: Ctx, input: Input[g.CreateAgentInput]
    ) -> g.CreateAgentResult:
        services, viewer = info.context.services, info.context.require()
        return g.CreateAgentSuccess(
            agent=as_graphql(await agents.create_agent(services, viewer, input.spec()))
        )

    @strawberry.mutation(description="Update an agent; omitted fields stay as they are.")
    async def update_agent(
        self, info: Ctx, input: Input[g.UpdateAgentInput]
    ) -> g.UpdateAgentResult:
        services, viewer = info.context.services, info.context.require()
        id = AgentId(require_id("Agent", input.id, ID_PATH))
        agent = await agents.update_agent(
            services, viewer, id, input.expected_revision, input.changes()
        )
        return g.UpdateAgentSuccess(agent=as_graphql(agent))

    @strawberry.mutation(description="Delete an agent that no workflow uses.")
    async def delete_agent(
        self, info: Ctx, input: Input[g.DeleteAgentInput]
    ) -> g.DeleteAgentResult:
        services, viewer = info.context.services, info.context.require()
        id = AgentId(require_id("Agent", input.id, ID_PATH))
        return g.DeleteAgentSuccess(
            agent=as_graphql(await agents.delete_agent(services, viewer, id))
        )

    @strawberry.mutation(description="Create a tool with a unique name.")
    async def create_tool(self, info: Ctx, input: Input[t.CreateToolInput]) -> t.CreateToolResult:
        services, viewer = info.context.services, info.context.require()
        return t.CreateToolSuccess(
            tool=as_graphql(await tools.create_tool(services, viewer, input.spec()))
        )

    @strawberry.mutation(description="Update a tool; omitted fields stay as they are.")
    async def update_tool(self, info: Ctx, input: Input[t.UpdateToolInput]) -> t.UpdateToolResult:
        services, viewer = info.context.services, info.context.require()
        id = ToolId(require_id("Tool", input.id, ID_PATH))
        tool = await tools.update_tool(
            services, viewer, id, input.expected_revision, input.changes()
        )
        return t.UpdateToolSuccess(tool=as_graphql(tool))

    @strawberry.mutation(description="Delete a tool that no agent uses.")
    async def delete_tool(self, info: Ctx, input: Input[t.DeleteToolInput]) -> t.DeleteToolResult:
        services, viewer = info.context.services, info.context.require()
        id = ToolId(require_id("Tool", input.id, ID_PATH))
        return t.DeleteToolSuccess(tool=as_graphql(await tools.delete_tool(services, viewer, id)))

    @strawberry.mutation(
        description="Run a tool outside of any call, with stubbed or real servers."
    )
    async def test_tool(self, info: Ctx, input: Input[t.TestToolInput]) -> t.TestToolResult:
        services, viewer = info.context.services, info.context.require()
        dry_run = await tools.test_tool(
            services,
            viewer,
            ToolId(require_id("Tool", input.id, ID_PATH)),
            json_object(input.arguments, "arguments"),
            json_object(input.context, "context"),
            [StubResponse(status=stub.status, body=stub.body) for stub in input.stubs],
            live=input.live,
        )
        return t.TestToolSuccess.from_dry_run(dry_run)

    @strawberry.mutation(description="Create a workflow with a unique slug.")
    async def create_workflow(
        self, info: Ctx, input: Input[w.CreateWorkflowInput]
    ) -> w.CreateWorkflowResult:
        services, viewer = info.context.services, info.context.require()
        workflow = await workflows.create_workflow(services, viewer, input.spec())
        return w.CreateWorkflowSuccess(workflow=as_graphql(workflow))

    @strawberry.mutation(
        description="Update the draft of a workflow; omitted fields stay as they are."
    )
    async def update_workflow(
        self, info: Ctx, input: Input[w.UpdateWorkflowInput]
    ) -> w.UpdateWorkflowResult:
        services, viewer = info.context.services, info.context.require()
        id = WorkflowId(require_id("Workflow", input.id, ID_PATH))
        changed = await workflows.update_workflow(
            services, viewer, id, input.expected_revision, input.changes()
        )
        return w.UpdateWorkflowSuccess(workflow=as_graphql(changed))

    @strawberry.mutation(description="Delete a workflow. Its past calls remain.")
    async def delete_workflow(
        self, info: Ctx, input: Input[w.DeleteWorkflowInput]
    ) -> w.DeleteWorkflowResult:
        services, viewer = info.context.services, info.context.require()
        id = WorkflowId(require_id("Workflow", input.id, ID_PATH))
        deleted = await workflows.delete_workflow(services, viewer, id)
        return w.DeleteWorkflowSuccess(workflow=as_graphql(deleted))

    @strawberry.mutation(
        description=(
            "Publish the draft with its agents and tools as an immutable version, "
            "which new calls run."
        )
    )
    async def publish_workflow(
        self, info: Ctx, input: Input[w.PublishWorkflowInput]
    ) -> w.PublishWorkflowResult:
        services, viewer = info.context.services, info.context.require()
        id = WorkflowId(require_id("Workflow", input.id, ID_PATH))
        workflow, version = await workflows.publish_workflow(
            services, viewer, id, input.expected_revision, input.checked_note()
        )
        return w.PublishWorkflowSuccess(workflow=as_graphql(workflow), version=as_graphql(version))

    @strawberry.mutation(
        description=(
            "Restore an earlier version as the draft, with its agents and tools. The "
            "slug does not change."
        )
    )
    async def restore_workflow(
        self, info: Ctx, input: Input[w.RestoreWorkflowInput]
    ) -> w.RestoreWorkflowResult:
        services, viewer = info.context.services, info.context.require()
        id = WorkflowId(require_id("Workflow", input.id, ID_PATH))
        version_id = VersionId(require_id("WorkflowVersion", input.version_id, VERSION_ID_PATH))
        workflow, version = await versions.restore_workflow(
            services, viewer, id, version_id, input.expected_revision, input.publish
        )
        return w.RestoreWorkflowSuccess(workflow=as_graphql(workflow), version=as_graphql(version))

    @strawberry.mutation(
        description=(
            "Import a bundle of agents, tools and workflows, completely or not at "
            "all. Objects with the same name are updated; objects that the bundle "
            "does not contain stay as they are. Repeating the import is safe."
        )
    )
    async def import_bundle(
        self, info: Ctx, input: Input[b.ImportBundleInput]
    ) -> b.ImportBundleResult:
        services, viewer = info.context.services, info.context.require()
        report = await bundles.import_bundle(
            services, viewer, input.bundle, publish=input.publish, dry_run=input.dry_run
        )
        return b.ImportBundleSuccess.from_report(report, dry_run=input.dry_run)

    @strawberry.mutation(description="Start a call of a workflow.")
    async def start_call(self, info: Ctx, input: Input[c.StartCallInput]) -> c.StartCallResult:
        services, viewer = info.context.services, info.context.require()
        call = await calls.start_call(services, viewer, input.request())
        return c.StartCallSuccess(
            call=as_graphql(call), join=as_graphql(calls.room_access(services, call))
        )

    @strawberry.mutation(
        description=(
            "Get new access to the room of a voice call, for instance after a page reload."
        )
    )
    async def join_call(self, info: Ctx, input: Input[c.JoinCallInput]) -> c.JoinCallResult:
        services, viewer = info.context.services, info.context.require()
        id = CallId(require_id("Call", input.call_id, CALL_ID_PATH))
        call, access = await calls.join_call(services, viewer, id)
        return c.JoinCallSuccess(call=as_graphql(call), join=as_graphql(access))

    @strawberry.mutation(description="Send a message in a text call.")
    async def send_message(
        self, info: Ctx, input: Input[c.SendMessageInput]
    ) -> c.SendMessageResult:
        services, viewer = info.context.services, info.context.require()
        id = CallId(require_id("Call", input.call_id, CALL_ID_PATH))
        command = await calls.send_message(services, viewer, id, input.text, input.idempotency_key)
        return c.SendMessageSuccess(turn_id=strawberry.ID(str(command.id)))

    @strawberry.mutation(description="End a call. Repeating the request is safe.")
    async def end_call(self, info: Ctx, input: Input[c.EndCallInput]) -> c.EndCallResult:
        services, viewer = info.context.services, info.context.require()
        id = CallId(require_id("Call", input.call_id, CALL_ID_PATH))
        return c.EndCallSuccess(call=as_graphql(await calls.end_call(services, viewer, id)))

    @strawberry.mutation(
        description=(
            "Delete the recording of a call permanently; a call in progress is no "
            "longer recorded. Repeating the request is safe."
        )
    )
    async def delete_recording(
        self, info: Ctx, input: Input[c.DeleteRecordingInput]
    ) -> c.DeleteRecordingResult:
        services, viewer = info.context.services, info.context.require()
        id = CallId(require_id("Call", input.call_id, CALL_ID_PATH))
        call = await recordings.delete_recording(services, viewer, id)
        return c.DeleteRecordingSuccess(call=as_graphql(call))


def _login_success(pair: TokenPair) -> a.LoginSuccess:
    return a.LoginSuccess(access=pair.access, refresh=pair.refresh, expires_at=pair.expires_at)
