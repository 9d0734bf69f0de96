// What is known of a call after some of its events.
/** Collects the events of a call. `snapshot()` copies, so call it when something is to be shown. */
export class CallRecord {
    #keepEvents;
    #state = null;
    #node = null;
    #agent = null;
    #turns = [];
    #partials = new Map();
    #complete = new Set();
    #tools = new Map();
    #context = new Map();
    #events = [];
    #ended = null;
    constructor(keepEvents) {
        this.#keepEvents = keepEvents;
    }
    snapshot() {
        return {
            state: this.#state,
            node: this.#node,
            agent: this.#agent,
            turns: [...this.#turns, ...[...this.#partials.values()].map((partial) => this.#partialTurn(partial))],
            tools: [...this.#tools.values()],
            context: new Map(this.#context),
            events: this.#events.slice(-this.#keepEvents),
            ended: this.#ended,
        };
    }
    add(update) {
        if (update.__typename === 'PartialTranscript')
            return this.#addPartial(update);
        this.#events.push(update);
        // Dropped in large steps, so that each event costs the same.
        if (this.#events.length > 2 * this.#keepEvents)
            this.#events = this.#events.slice(-this.#keepEvents);
        this.#apply(update);
    }
    #apply(event) {
        switch (event.__typename) {
            case 'StateChanged':
                this.#state = event.state;
                break;
            case 'NodeEntered':
                this.#node = event.node;
                this.#agent = event.agent;
                break;
            case 'UserTurn':
            case 'AgentTurn':
                this.#addTurn(event);
                break;
            case 'TurnMeasured':
                this.#measure(event);
                break;
            case 'ToolStarted':
            case 'ToolFinished':
                this.#addTool(event);
                break;
            case 'ContextChanged':
                if (event.removed)
                    this.#context.delete(event.path);
                else
                    this.#context.set(event.path, event.value);
                break;
            case 'CallEnded':
                this.#state = event.state;
                this.#ended = event;
                this.#partials.clear();
                break;
        }
    }
    #addPartial(partial) {
        const shown = this.#partials.get(partial.speaker);
        // Partial words are not ordered: late ones of a complete turn and of an earlier revision do not count.
        const isLate = this.#complete.has(partial.turnId) || (shown?.turnId === partial.turnId && shown.rev >= partial.rev);
        if (this.#ended || isLate)
            return;
        if (partial.text)
            this.#partials.set(partial.speaker, partial);
        else
            this.#partials.delete(partial.speaker);
    }
    #addTurn(event) {
        const speaker = event.__typename === 'UserTurn' ? 'CALLER' : 'AGENT';
        this.#complete.add(event.turnId);
        this.#partials.delete(speaker);
        const { turnId, text, at } = event;
        const spoken = event.__typename === 'AgentTurn' ? event : null;
        this.#turns.push({
            turnId,
            speaker,
            agent: spoken?.agent ?? null,
            text,
            heardText: spoken?.heardText ?? null,
            interrupted: spoken?.interrupted ?? false,
            partial: false,
            at,
            measured: null,
        });
    }
    #measure(event) {
        const index = this.#turns.findLastIndex(({ speaker }) => speaker === 'AGENT');
        const turn = this.#turns[index];
        if (turn)
            this.#turns[index] = { ...turn, measured: event };
    }
    #addTool(event) {
        const { toolCallId, tool, node, at } = event;
        const finished = event.__typename === 'ToolFinished' ? event : null;
        this.#tools.set(toolCallId, {
            toolCallId,
            tool,
            node,
            arguments: event.arguments,
            outcome: finished?.outcome ?? null,
            result: finished?.result ?? null,
            startedAt: this.#tools.get(toolCallId)?.startedAt ?? at,
            duration: finished?.duration ?? null,
        });
    }
    #partialTurn({ turnId, speaker, text }) {
        const agent = speaker === 'AGENT' ? this.#agent : null;
        return { turnId, speaker, agent, text, heardText: null, interrupted: false, partial: true, at: null, measured: null };
    }
}
