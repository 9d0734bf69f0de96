async function g(n,t){let{join:e}=await c(n,{kind:"VOIP",key:t});return e}async function f(n,t){let{call:e}=await c(n,{kind:"TEXT",key:t});return e}var y=(n,t,e,i)=>c(n,{call:t,text:e,key:i}),u=(n,t)=>c(n,{call:t,key:crypto.randomUUID()});function b(n,t,e){let i=new URL(n,document.baseURI);i.searchParams.set("call",t);let s=new EventSource(i);return s.onopen=()=>e.back(),s.onmessage=({data:o})=>e.update(JSON.parse(o)),s.onerror=()=>{s.readyState===EventSource.CLOSED?e.update({__typename:"Failed"}):e.lost()},()=>s.close()}async function c(n,t){let e=await fetch(new URL(n,document.baseURI),{method:"POST",headers:{"content-type":"application/json"},body:JSON.stringify(t),signal:AbortSignal.timeout(3e4)});if(!e.ok)throw new Error(`The server of the page responded with ${e.status}.`);return await e.json()}var x=`
:host {
  --studio-background: light-dark(#ffffff, #16191f);
  --studio-text: light-dark(#14171c, #f1f3f6);
  --studio-muted: light-dark(#545c68, #aeb6c2);
  --studio-border: light-dark(#858d99, #7a8290);
  --studio-accent: light-dark(#1d4ed8, #a8c1ff);
  --studio-on-accent: light-dark(#ffffff, #0b1220);
  --studio-bubble: light-dark(#eef1f6, #262b34);
  display: block;
  max-inline-size: 24rem;
  font: 1rem/1.5 system-ui, sans-serif;
  color: var(--studio-text);
}
:host([hidden]) { display: none; }
:host([theme="light"]) { color-scheme: light; }
:host([theme="dark"]) { color-scheme: dark; }
section {
  display: grid;
  gap: 0.75rem;
  padding: 1rem;
  border: 1px solid var(--studio-border);
  border-radius: 0.75rem;
  background: var(--studio-background);
}
h2 { margin: 0; font-size: 1.125rem; line-height: 1.3; }
p { margin: 0; }
[hidden] { display: none !important; }
.status { color: var(--studio-muted); min-block-size: 1.5em; }
.actions, form { display: flex; flex-wrap: wrap; gap: 0.5rem; }
button, input {
  box-sizing: border-box;
  font: inherit;
  min-block-size: 2.75rem;
  padding: 0.375rem 1rem;
  border: 1px solid var(--studio-border);
  border-radius: 0.5rem;
  background: var(--studio-background);
  color: inherit;
}
button { cursor: pointer; }
button.primary { border-color: transparent; background: var(--studio-accent); color: var(--studio-on-accent); }
:focus-visible { outline: 3px solid var(--studio-accent); outline-offset: 2px; }
label { flex: 1 1 100%; color: var(--studio-muted); }
input { flex: 1 1 8rem; min-inline-size: 0; }
[role="log"] {
  display: grid;
  gap: 0.5rem;
  margin: 0;
  padding: 0.25rem;
  max-block-size: 20rem;
  overflow-y: auto;
  overflow-wrap: anywhere;
}
.turn { padding: 0.5rem 0.75rem; border-radius: 0.5rem; background: var(--studio-bubble); max-inline-size: 85%; }
.turn.caller { justify-self: end; }
.turn b { display: block; font-size: 0.875rem; color: var(--studio-muted); font-weight: 600; }
.turn.partial { font-style: italic; }
@media (forced-colors: active) {
  .turn { border: 1px solid; }
}
`;var m={title:"Talk to us",call:"Start a call",chat:"Start a chat",connecting:"Connecting\u2026",connected:"Connected. You can speak now.",reconnecting:"The connection was lost. Connecting again\u2026",ended:"The call has ended.",mute:"Mute",unmute:"Unmute",sound:"Turn on the sound",end:"End the call",message:"Your message",send:"Send",you:"You",agent:"Agent",microphone:"The microphone cannot be used. Allow it for this page, and try again.",failed:"The call is not possible now. Try again later."};var h=class{log=document.createElement("div");#t;#i=new Map;#n=new Set;constructor(t){this.#t=t,this.log.setAttribute("role","log"),this.log.tabIndex=0}clear(){this.#i.clear(),this.#n.clear(),this.log.replaceChildren()}add(t){switch(t.__typename){case"PartialTranscript":{if(this.#n.has(t.turnId))return;this.#i.get(t.speaker)?.remove();let e=this.#o(t.speaker==="CALLER",t.text);e.classList.add("partial"),e.setAttribute("aria-hidden","true"),this.#i.set(t.speaker,e);break}case"UserTurn":this.#s("CALLER",t.turnId),this.#o(!0,t.text);break;case"AgentTurn":this.#s("AGENT",t.turnId),this.#o(!1,t.text);break}}#s(t,e){this.#n.add(e),this.#i.get(t)?.remove(),this.#i.delete(t)}#o(t,e){let i=document.createElement("div"),s=document.createElement("b");return s.textContent=t?this.#t().you:this.#t().agent,i.append(s,e),i.className=t?"turn caller":"turn agent",this.log.append(i),this.log.scrollTop=this.log.scrollHeight,i}};var p=class extends HTMLElement{#t=m;#i="IDLE";#n=null;#s=null;#o=null;#f=async()=>{};#c=null;#d=new h(()=>this.#t);#g=a("h2");#y=a("p",{class:"status",role:"status"});#e={call:this.#p("call",()=>this.#T(),"primary"),chat:this.#p("chat",()=>this.#k(),"primary"),sound:this.#p("sound",()=>this.#s?.startSound()),mute:this.#p("mute",()=>this.#s?.setMuted(!this.#s.isMuted.get())),end:this.#p("end",()=>this.#v())};#h=a("input",{id:"message",name:"message",autocomplete:"off",maxlength:"2000"});#u=a("form");constructor(){super();let t=this.attachShadow({mode:"open"}),e=new CSSStyleSheet;e.replaceSync(x),t.adoptedStyleSheets=[e];let i=a("section",{"aria-labelledby":"title",part:"panel"});this.#g.id="title",this.#d.log.setAttribute("aria-labelledby","title");let s=a("div",{class:"actions"});s.append(...Object.values(this.#e));let o=a("label",{for:"message"}),d=a("button",{type:"submit",class:"primary",part:"button"});this.#u.append(o,this.#h,d),this.#u.addEventListener("submit",r=>{r.preventDefault(),this.#E()}),i.append(this.#g,this.#y,this.#d.log,this.#u,s),t.append(i)}set texts(t){this.#t={...m,...t},this.#r(this.#i)}connectedCallback(){if(Object.hasOwn(this,"texts")){let{value:t}=Object.getOwnPropertyDescriptor(this,"texts")??{};Reflect.deleteProperty(this,"texts"),this.texts=t}this.#r(this.#i)}disconnectedCallback(){(this.#n||this.#o)&&this.#v()}get#l(){return this.getAttribute("endpoint")??""}#b(t){return(this.getAttribute("kinds")??"voice").split(/\s+/).includes(t)}#r(t){this.#i=t;let e=this.#t;this.#g.textContent=this.getAttribute("label")??e.title;let i=this.#s?.isMuted.get()??!1;for(let[d,r]of Object.entries(this.#e))r.textContent=e[d];this.#e.mute.textContent=i?e.unmute:e.mute,this.#e.call.hidden=t!=="IDLE"||!this.#b("voice"),this.#e.chat.hidden=t!=="IDLE"||!this.#b("text"),this.#e.mute.hidden=t!=="VOICE",this.#e.sound.hidden=t!=="VOICE"||this.#s?.hasSound.get()!==!1,this.#e.end.hidden=t==="IDLE",this.#u.hidden=t!=="TEXT",this.#d.log.hidden=t!=="TEXT"&&this.#d.log.childElementCount===0;let[s,,o]=this.#u.children;s&&(s.textContent=e.message),o&&(o.textContent=e.send)}#a(t){this.#y.textContent=t}async#T(){await this.#x(async t=>{let e=new URL("./voice.js",import.meta.url).href,{joinVoice:i,microphone:s}=await import(e),o=await s({signal:t}),d=await g(this.#l,crypto.randomUUID()).catch(l=>{throw o.stop(),l}),r=await i(d,{track:o,signal:t,container:this.shadowRoot??this});if(t.aborted)return r.leave();this.#s=r,this.#n={end:()=>r.leave()},this.#a(this.#t.connected),r.isMuted.subscribe(()=>this.#r("VOICE")),r.hasSound.subscribe(()=>this.#r("VOICE")),r.state.subscribe(()=>{let l=r.state.get();l==="ENDED"?this.#m(this.#t.ended):this.#a(l==="CONNECTED"?this.#t.connected:this.#t.reconnecting)}),this.#r("VOICE"),this.#e.mute.focus()})}async#k(){await this.#x(async t=>{let e=await f(this.#l,crypto.randomUUID());if(t.aborted)return void await u(this.#l,e);let i=b(this.#l,e,{update:s=>this.#w(s),lost:()=>this.#a(this.#t.reconnecting),back:()=>this.#a("")});this.#f=(s,o)=>y(this.#l,e,s,o),this.#n={end:async()=>{i(),await u(this.#l,e)}},this.#a(""),this.#r("TEXT"),this.#h.focus()})}async#x(t){let e=this.#o=new AbortController;this.#c=null,this.#d.clear(),this.#r("CONNECTING"),this.#a(this.#t.connecting),this.#e.end.focus();try{await t(e.signal)}catch(i){if(e.signal.aborted)return;let s=i.code==="MICROPHONE";this.#m(s?this.#t.microphone:this.#t.failed)}finally{this.#o===e&&(this.#o=null)}}#w(t){if(t.__typename==="CallEnded")return this.#m(this.#t.ended);if(t.__typename==="Failed")return this.#m(this.#t.failed);this.#d.add(t),this.#d.log.hidden=!1}async#E(){let t=this.#h.value.trim();if(!t)return;this.#h.value="";let e=t===this.#c?.text?this.#c.key:crypto.randomUUID();this.#c=null;try{await this.#f(t,e)}catch{this.#c={text:t,key:e},this.#h.value||=t,this.#a(this.#t.failed)}}#v(){this.#o?.abort(),this.#m(this.#t.ended)}#m(t){let e=this.shadowRoot?.activeElement!=null,i=this.#n;this.#n=this.#s=null,i?.end().catch(()=>{}),this.#a(t),this.#r("IDLE"),e&&(this.#e.call.hidden?this.#e.chat:this.#e.call).focus()}#p(t,e,i=""){let s=a("button",{type:"button",class:i,part:`button ${t}`});return s.addEventListener("click",()=>{e()}),s}};function a(n,t={}){let e=document.createElement(n);for(let[i,s]of Object.entries(t))e.setAttribute(i,s);return e}customElements.get("agent-studio-call")||customElements.define("agent-studio-call",p);export{p as AgentStudioCall};
