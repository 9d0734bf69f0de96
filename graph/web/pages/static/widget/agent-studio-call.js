async function p(i,t){let{join:e}=await c(i,{kind:"VOIP",key:t});return e}async function g(i,t){let{call:e}=await c(i,{kind:"TEXT",key:t});return e}var f=(i,t,e,s)=>c(i,{call:t,text:e,key:s}),b=(i,t)=>c(i,{call:t,key:crypto.randomUUID()});function y(i,t,e){let s=new URL(i,document.baseURI);s.searchParams.set("call",t);let n=new EventSource(s);return n.onopen=()=>e.back(),n.onmessage=({data:r})=>e.update(JSON.parse(r)),n.onerror=()=>{n.readyState===EventSource.CLOSED?e.update({__typename:"Failed"}):e.lost()},()=>n.close()}async function c(i,t){let e=await fetch(new URL(i,document.baseURI),{method:"POST",headers:{"content-type":"application/json"},body:JSON.stringify(t),signal:AbortSignal.timeout(3e4)});if(!e.ok)throw new Error(`The server of the page responded with ${e.status}.`);return await e.json()}var x=`
:host {
  --studio-background: light-dark(#ffffff, #16191f);
  --studio-text: light-dark(#14171c, #f1f3f6);
  --studio-muted: light-dark(#545c68, #aeb6c2);
  --studio-border: light-dark(#858d99, #7a8290);
  --studio-accent: light-dark(#1d4ed8, #a8c1ff);
  --studio-on-accent: light-dark(#ffffff, #0b1220);
  --studio-bubble: light-dark(#eef1f6, #262b34);
  color-scheme: light dark;
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
`;var u={title:"Talk to us",call:"Start a call",chat:"Start a chat",connecting:"Connecting\u2026",connected:"Connected. You can speak now.",reconnecting:"The connection was lost. Connecting again\u2026",ended:"The call has ended.",mute:"Mute",unmute:"Unmute",sound:"Turn on the sound",end:"End the call",message:"Your message",send:"Send",you:"You",agent:"Agent",microphone:"The microphone cannot be used. Allow it for this page, and try again.",failed:"The call is not possible now. Try again later."};var h=class{log=document.createElement("div");#t;#s=new Map;#n=new Set;constructor(t){this.#t=t,this.log.setAttribute("role","log"),this.log.tabIndex=0}clear(){this.#s.clear(),this.#n.clear(),this.log.replaceChildren()}add(t){switch(t.__typename){case"PartialTranscript":{if(this.#n.has(t.turnId))return;this.#s.get(t.speaker)?.remove();let e=this.#d(t.speaker==="CALLER",t.text);e.classList.add("partial"),e.setAttribute("aria-hidden","true"),this.#s.set(t.speaker,e);break}case"UserTurn":this.#i("CALLER",t.turnId),this.#d(!0,t.text);break;case"AgentTurn":this.#i("AGENT",t.turnId),this.#d(!1,t.text);break}}#i(t,e){this.#n.add(e),this.#s.get(t)?.remove(),this.#s.delete(t)}#d(t,e){let s=document.createElement("div"),n=document.createElement("b");return n.textContent=t?this.#t().you:this.#t().agent,s.append(n,e),s.className=t?"turn caller":"turn agent",this.log.append(s),this.log.scrollTop=this.log.scrollHeight,s}};var m=class extends HTMLElement{#t=u;#s=null;#n=null;#i=null;#d=async()=>{};#a=new h(()=>this.#t);#p=a("h2");#f=a("p",{class:"status",role:"status"});#e={call:this.#m("call",()=>this.#x(),"primary"),chat:this.#m("chat",()=>this.#v(),"primary"),sound:this.#m("sound",()=>this.#n?.startSound()),mute:this.#m("mute",()=>this.#n?.setMuted(!this.#n.isMuted.get())),end:this.#m("end",()=>this.#g())};#l=a("input",{id:"message",name:"message",autocomplete:"off",maxlength:"2000"});#c=a("form");constructor(){super();let t=this.attachShadow({mode:"open"}),e=new CSSStyleSheet;e.replaceSync(x),t.adoptedStyleSheets=[e];let s=a("section",{"aria-labelledby":"title",part:"panel"});this.#p.id="title",this.#a.log.setAttribute("aria-labelledby","title");let n=a("div",{class:"actions"});n.append(...Object.values(this.#e));let r=a("label",{for:"message"}),d=a("button",{type:"submit",class:"primary",part:"button"});this.#c.append(r,this.#l,d),this.#c.addEventListener("submit",o=>{o.preventDefault(),this.#E()}),s.append(this.#p,this.#f,this.#a.log,this.#c,n),t.append(s)}set texts(t){this.#t={...u,...t},this.#o("IDLE")}connectedCallback(){this.#o("IDLE")}disconnectedCallback(){(this.#s||this.#i)&&this.#g()}get#h(){return this.getAttribute("endpoint")??""}#b(t){return(this.getAttribute("kinds")??"voice").split(/\s+/).includes(t)}#o(t){let e=this.#t;this.#p.textContent=this.getAttribute("label")??e.title;let s=this.#n?.isMuted.get()??!1;for(let[d,o]of Object.entries(this.#e))o.textContent=e[d];this.#e.mute.textContent=s?e.unmute:e.mute,this.#e.call.hidden=t!=="IDLE"||!this.#b("voice"),this.#e.chat.hidden=t!=="IDLE"||!this.#b("text"),this.#e.mute.hidden=t!=="VOICE",this.#e.sound.hidden=t!=="VOICE"||this.#n?.hasSound.get()!==!1,this.#e.end.hidden=t==="IDLE",this.#c.hidden=t!=="TEXT",this.#a.log.hidden=this.#a.log.childElementCount===0;let[n,,r]=this.#c.children;n&&(n.textContent=e.message),r&&(r.textContent=e.send)}#r(t){this.#f.textContent=t}async#x(){await this.#y(async t=>{let e=new URL("./voice.js",import.meta.url).href,{joinVoice:s,microphone:n}=await import(e),r=await n({signal:t}),d=await p(this.#h,crypto.randomUUID()).catch(l=>{throw r.stop(),l}),o=await s(d,{track:r,signal:t,container:this.shadowRoot??this});this.#n=o,this.#s={end:()=>o.leave()},this.#r(this.#t.connected),o.isMuted.subscribe(()=>this.#o("VOICE")),o.hasSound.subscribe(()=>this.#o("VOICE")),o.state.subscribe(()=>{let l=o.state.get();l==="ENDED"?this.#u(this.#t.ended):this.#r(l==="CONNECTED"?this.#t.connected:this.#t.reconnecting)}),this.#o("VOICE"),this.#e.mute.focus()})}async#v(){await this.#y(async()=>{let t=await g(this.#h,crypto.randomUUID()),e=y(this.#h,t,{update:s=>this.#T(s),lost:()=>this.#r(this.#t.reconnecting),back:()=>this.#r("")});this.#d=s=>f(this.#h,t,s,crypto.randomUUID()),this.#s={end:async()=>{e(),await b(this.#h,t)}},this.#r(""),this.#o("TEXT"),this.#l.focus()})}async#y(t){let e=this.#i=new AbortController;this.#a.clear(),this.#o("CONNECTING"),this.#r(this.#t.connecting),this.#e.end.focus();try{await t(e.signal),e.signal.aborted&&this.#g()}catch(s){if(e.signal.aborted)return;let n=s.code==="MICROPHONE";this.#u(n?this.#t.microphone:this.#t.failed)}finally{this.#i===e&&(this.#i=null)}}#T(t){if(t.__typename==="CallEnded")return this.#u(this.#t.ended);if(t.__typename==="Failed")return this.#u(this.#t.failed);this.#a.add(t),this.#a.log.hidden=!1}async#E(){let t=this.#l.value.trim();if(t){this.#l.value="";try{await this.#d(t)}catch{this.#l.value=t,this.#r(this.#t.failed)}}}#g(){this.#i?.abort(),this.#u(this.#t.ended)}#u(t){let e=this.shadowRoot?.activeElement!=null,s=this.#s;this.#s=this.#n=null,s?.end().catch(()=>{}),this.#r(t),this.#o("IDLE"),e&&(this.#e.call.hidden?this.#e.chat:this.#e.call).focus()}#m(t,e,s=""){let n=a("button",{type:"button",class:s,part:`button ${t}`});return n.addEventListener("click",()=>{e()}),n}};function a(i,t={}){let e=document.createElement(i);for(let[s,n]of Object.entries(t))e.setAttribute(s,n);return e}customElements.get("agent-studio-call")||customElements.define("agent-studio-call",m);export{m as AgentStudioCall};
