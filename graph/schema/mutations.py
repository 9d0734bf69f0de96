"""The mutations. Failures that a client should handle are returned as data."""

from __future__ import annotations

import strawberry

from domain.calls.model import CallId
from domain.common.problems import raise_per_value
from domain.tools.model import ToolId
from domain.use_cases import (
    agents,
    bundles,
    calls,
    recordings,
    tools,
    transfers,
    versions,
    voice_previews,
    workflows,
)
from domain.use_cases.voice_previews import PREVIEWS_PER_MINUTE
from domain.workflows.agents import AgentId
from domain.workflows.model import VersionId, WorkflowId
from graph.schema.access_mutations import AccessMutation
from graph.schema.account_mutations import AccountMutation
from graph.schema.arguments import Input
from graph.schema.audit_mutations import AuditMutation
from graph.schema.error_paths import mutation
from graph.schema.settings_mutations import SettingsMutation
from graph.schema.sign_in_mutations import SignInMutation
from graph.schema.telephony_mutations import TelephonyMutation
from graph.schema.tenants import InstallationMutation
from graph.schema.types import agents as g
from graph.schema.types import bundles as b
from graph.schema.types import calls as c
from graph.schema.types import tools as t
from graph.schema.types import transfers as x
from graph.schema.types import voice_previews as v
from graph.schema.types import workflows as w
from graph.schema.types.inputs import InputReader
from resolvers.context import Ctx
from resolvers.global_ids import require_id


@strawberry.type(
    description=(
        "Operations that change data. Failures that a client should handle are returned as data."
    )
)
class Mutation(
    AccountMutation,
    AccessMutation,
    SignInMutation,
    SettingsMutation,
    TelephonyMutation,
    AuditMutation,
    InstallationMutation,
):
    @mutation("Create an agent with a unique name.")
    async def create_agent(
        self, info: Ctx, input: Input[g.CreateAgentInput]
    ) -> g.CreateAgentResult:
        reader = InputReader()
        spec = input.spec(reader)
        agent = await reader.run(info.context, agents.create_agent, spec)
        return g.CreateAgentSuccess(agent=agent)

    @mutation("Update an agent; omitted fields stay as they are.")
    async def update_agent(
        self, info: Ctx, input: Input[g.UpdateAgentInput]
    ) -> g.UpdateAgentResult:
        id, reader = AgentId(require_id("Agent", input.id)), InputReader()
        changes = input.changes(reader)
        agent = await reader.run(
            info.context, agents.update_agent, id, input.expected_revision, changes
        )
        return g.UpdateAgentSuccess(agent=agent)

    @mutation("Delete an agent that no workflow uses.")
    async def delete_agent(
        self, info: Ctx, input: Input[g.DeleteAgentInput]
    ) -> g.DeleteAgentResult:
        id = AgentId(require_id("Agent", input.id))
        return g.DeleteAgentSuccess(agent=await info.context.run(agents.delete_agent, id))

    @mutation(
        "Hear a TTS provider as an agent would speak with it, in a WAV file. It uses the key of such an "
        "agent: the provider bills the text, which counts towards no budget of yours. A tenant may "
        f"request {PREVIEWS_PER_MINUTE} a minute, two of them at once."
    )
    async def preview_voice(
        self, info: Ctx, input: Input[v.PreviewVoiceInput]
    ) -> v.PreviewVoiceResult:
        reader = InputReader()
        preview = input.preview(reader)
        spoken = await reader.run(info.context, voice_previews.preview_voice, preview)
        return v.PreviewVoiceSuccess.from_audio(spoken)

    @mutation("Create a tool with a unique name.")
    async def create_tool(self, info: Ctx, input: Input[t.CreateToolInput]) -> t.CreateToolResult:
        reader = InputReader()
        spec = input.spec(reader)
        tool = await reader.run(info.context, tools.create_tool, spec)
        return t.CreateToolSuccess(tool=tool)

    @mutation("Update a tool; omitted fields stay as they are.")
    async def update_tool(self, info: Ctx, input: Input[t.UpdateToolInput]) -> t.UpdateToolResult:
        id, reader = ToolId(require_id("Tool", input.id)), InputReader()
        changes = input.changes(reader)
        tool = await reader.run(
            info.context, tools.update_tool, id, input.expected_revision, changes
        )
        return t.UpdateToolSuccess(tool=tool)

    @mutation("Delete a tool that no agent uses.")
    async def delete_tool(self, info: Ctx, input: Input[t.DeleteToolInput]) -> t.DeleteToolResult:
        id = ToolId(require_id("Tool", input.id))
        return t.DeleteToolSuccess(tool=await info.context.run(tools.delete_tool, id))

    @mutation("Run a tool outside of any call, with stubbed or real servers.")
    async def test_tool(self, info: Ctx, input: Input[t.TestToolInput]) -> t.TestToolResult:
        reader = InputReader()
        dry_run = await reader.run(
            info.context,
            tools.test_tool,
            ToolId(require_id("Tool", input.id)),
            input.given_arguments(reader),
            input.given_context(reader),
            input.http_responses(),
            input.mcp_results(),
            input.digits,
            live=input.live,
        )
        return t.TestToolSuccess.from_dry_run(dry_run)

    @mutation("Create a workflow with a unique slug.")
    async def create_workflow(
        self, info: Ctx, input: Input[w.CreateWorkflowInput]
    ) -> w.CreateWorkflowResult:
        reader = InputReader()
        spec = input.spec(reader)
        workflow = await reader.run(info.context, workflows.create_workflow, spec)
        return w.CreateWorkflowSuccess(workflow=workflow)

    @mutation("Update the draft of a workflow; omitted fields stay as they are.")
    async def update_workflow(
        self, info: Ctx, input: Input[w.UpdateWorkflowInput]
    ) -> w.UpdateWorkflowResult:
        id, reader = WorkflowId(require_id("Workflow", input.id)), InputReader()
        changes = input.changes(reader)
        changed = await reader.run(
            info.context, workflows.update_workflow, id, input.expected_revision, changes
        )
        return w.UpdateWorkflowSuccess(workflow=changed)

    @mutation("Delete a workflow. Its past calls remain.")
    async def delete_workflow(
        self, info: Ctx, input: Input[w.DeleteWorkflowInput]
    ) -> w.DeleteWorkflowResult:
        id = WorkflowId(require_id("Workflow", input.id))
        deleted = await info.context.run(workflows.delete_workflow, id)
        return w.DeleteWorkflowSuccess(workflow=deleted)

    @mutation(
        "Publish the draft with its agents and tools as an immutable version, which new calls run."
    )
    async def publish_workflow(
        self, info: Ctx, input: Input[w.PublishWorkflowInput]
    ) -> w.PublishWorkflowResult:
        reader = InputReader()
        id, note = WorkflowId(reader.at("id").id("Workflow", input.id)), input.checked_note(reader)
        raise_per_value(reader.problems)
        workflow, version = await info.context.run(
            workflows.publish_workflow, id, input.expected_revision, note
        )
        return w.PublishWorkflowSuccess(workflow=workflow, version=version)

    @mutation(
        "Restore an earlier version as the draft, with its agents and tools. The "
        "slug does not change."
    )
    async def restore_workflow(
        self, info: Ctx, input: Input[w.RestoreWorkflowInput]
    ) -> w.RestoreWorkflowResult:
        reader = InputReader()
        id = WorkflowId(reader.at("id").id("Workflow", input.id))
        version_id = VersionId(reader.at("versionId").id("WorkflowVersion", input.version_id))
        raise_per_value(reader.problems)
        workflow, version = await info.context.run(
            versions.restore_workflow, id, version_id, input.expected_revision, input.publish
        )
        return w.RestoreWorkflowSuccess(workflow=workflow, version=version)

    @mutation(
        "Import a bundle of agents, tools and workflows, completely or not at "
        "all. Objects with the same name are updated; objects that the bundle "
        "does not contain stay as they are. Repeating the import is safe."
    )
    async def import_bundle(
        self, info: Ctx, input: Input[b.ImportBundleInput]
    ) -> b.ImportBundleResult:
        report = await info.context.run(
            bundles.import_bundle,
            input.bundle,
            publish=input.publish,
            dry_run=input.dry_run,
            settings=input.settings,
        )
        return b.ImportBundleSuccess.from_report(report, dry_run=input.dry_run)

    @mutation("Start a call of a workflow.")
    async def start_call(self, info: Ctx, input: Input[c.StartCallInput]) -> c.StartCallResult:
        reader = InputReader()
        request = input.request(reader)
        call = await reader.run(info.context, calls.start_call, request)
        return c.StartCallSuccess(call=call, join=calls.room_access(info.context.services, call))

    @mutation("Get new access to the room of a voice call, for instance after a page reload.")
    async def join_call(self, info: Ctx, input: Input[c.JoinCallInput]) -> c.JoinCallResult:
        id = _call_id(input.call_id)
        call, access = await info.context.run(calls.join_call, id)
        return c.JoinCallSuccess(call=call, join=access)

    @mutation("Send a message in a text call.")
    async def send_message(
        self, info: Ctx, input: Input[c.SendMessageInput]
    ) -> c.SendMessageResult:
        id = _call_id(input.call_id)
        command = await info.context.run(calls.send_message, id, input.text, input.idempotency_key)
        return c.SendMessageSuccess(turn_id=strawberry.ID(str(command.id)))

    @mutation("End a call. Repeating the request is safe.")
    async def end_call(self, info: Ctx, input: Input[c.EndCallInput]) -> c.EndCallResult:
        id = _call_id(input.call_id)
        call = await info.context.run(calls.end_call, id, by_caller=input.by_caller)
        return c.EndCallSuccess(call=call)

    @mutation(
        "Transfer the caller of a voice call to another number. The log of the call shows the progress."
    )
    async def transfer_call(
        self, info: Ctx, input: Input[x.CallTransferInput]
    ) -> x.TransferCallResult:
        id, reader = _call_id(input.call_id), InputReader()
        target = input.target(reader)
        call, command = await reader.run(
            info.context, transfers.transfer_call, id, target, input.idempotency_key
        )
        return x.TransferCallSuccess(call=call, transfer_id=strawberry.ID(str(command.id)))

    @mutation(
        "Delete the recording of a call permanently; a call in progress is no "
        "longer recorded. Repeating the request is safe."
    )
    async def delete_recording(
        self, info: Ctx, input: Input[c.DeleteRecordingInput]
    ) -> c.DeleteRecordingResult:
        id = _call_id(input.call_id)
        call = await info.context.run(recordings.delete_recording, id)
        return c.DeleteRecordingSuccess(call=call)


def _call_id(id: strawberry.ID) -> CallId:
    return CallId(require_id("Call", id, ("callId",)))
