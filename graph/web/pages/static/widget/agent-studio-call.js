var k=i=>Array.from(i,t=>t.toString(16).padStart(2,"0")).join(""),l=()=>k(crypto.getRandomValues(new Uint8Array(16)));function g(i){return new Promise(t=>{let e=setTimeout(n,i);function n(){clearTimeout(e),globalThis.removeEventListener?.("online",n),t()}globalThis.addEventListener?.("online",n)})}var b=i=>Math.min(5e3,100*2**Math.min(i,10))*(.5+Math.random()/2);async function*y(i){let t=i.getReader(),e=new TextDecoder,n="";try{for(;;){let{done:s,value:o}=await t.read();if(s)return;let a=(n+e.decode(o,{stream:!0})).split(`

`);n=a.pop()??"",yield*a.map(S).filter(({data:r})=>r)}}finally{t.cancel().catch(()=>{})}}function S(i){let t=i.split(`
`),e=n=>t.find(s=>s.startsWith(`${n}: `))?.slice(n.length+2)??"";return{id:e("id"),data:e("data")}}var C=3e4;async function v(i,t){let{join:e}=await h(i,{kind:"VOIP",key:t});return e}async function x(i,t){let{call:e}=await h(i,{kind:"TEXT",key:t});return e}var w=(i,t,e,n)=>h(i,{call:t,text:e,key:n}),m=(i,t)=>h(i,{call:t,key:l()});function T(i,t,e){let n=new AbortController,s=new URL(i,document.baseURI);return s.searchParams.set("call",t),A(s,e,n.signal),()=>n.abort()}async function A(i,t,e){let n="";for(let s=1;!e.aborted;s+=1){try{let o=await fetch(i,{headers:n?{"last-event-id":n}:{},cache:"no-store",signal:e});if(L(o.status))return t.update({__typename:"Failed"});if(o.ok&&o.body){t.back();for await(let{id:a,data:r}of y(o.body)){if(e.aborted)return;s=0,n=a||n,t.update(JSON.parse(r))}}}catch{}if(e.aborted)return;t.lost(),await g(b(s))}}var L=i=>i>=400&&i<500&&i!==408&&i!==429;async function h(i,t){let e=await fetch(new URL(i,document.baseURI),{method:"POST",headers:{"content-type":"application/json"},body:JSON.stringify(t),signal:AbortSignal.timeout(C)});if(!e.ok)throw new Error(`The server of the page responded with ${e.status}.`);return await e.json()}var E=`
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
`;var p={title:"Talk to us",call:"Start a call",chat:"Start a chat",connecting:"Connecting\u2026",connected:"Connected. You can speak now.",reconnecting:"The connection was lost. Connecting again\u2026",ended:"The call has ended.",mute:"Mute",unmute:"Unmute",sound:"Turn on the sound",end:"End the call",message:"Your message",send:"Send",you:"You",agent:"Agent",microphone:"The microphone cannot be used. Allow it for this page, and try again.",failed:"The call is not possible now. Try again later."};var u=class{log=document.createElement("div");#t;#i=new Map;#s=new Set;constructor(t){this.#t=t,this.log.setAttribute("role","log"),this.log.tabIndex=0}clear(){this.#i.clear(),this.#s.clear(),this.log.replaceChildren()}add(t){switch(t.__typename){case"PartialTranscript":{if(this.#s.has(t.turnId))return;this.#i.get(t.speaker)?.remove();let e=this.#o(t.speaker==="CALLER",t.text);e.classList.add("partial"),e.setAttribute("aria-hidden","true"),this.#i.set(t.speaker,e);break}case"UserTurn":this.#n("CALLER",t.turnId),this.#o(!0,t.text);break;case"AgentTurn":this.#n("AGENT",t.turnId),this.#o(!1,t.text);break}}#n(t,e){this.#s.add(e),this.#i.get(t)?.remove(),this.#i.delete(t)}#o(t,e){let n=document.createElement("div"),s=document.createElement("b");return s.textContent=t?this.#t().you:this.#t().agent,n.append(s,e),n.className=t?"turn caller":"turn agent",this.log.append(n),this.log.scrollTop=this.log.scrollHeight,n}};var f=class extends HTMLElement{#t=p;#i="IDLE";#s=null;#n=null;#o=null;#g=async()=>{};#c=null;#d=new u(()=>this.#t);#f=d("h2");#b=d("p",{class:"status",role:"status"});#e={call:this.#p("call",()=>this.#w(),"primary"),chat:this.#p("chat",()=>this.#T(),"primary"),sound:this.#p("sound",()=>this.#n?.startSound()),mute:this.#p("mute",()=>this.#n?.setMuted(!this.#n.isMuted.get())),end:this.#p("end",()=>this.#x())};#h=d("input",{id:"message",name:"message",autocomplete:"off",maxlength:"2000"});#u=d("form");constructor(){super();let t=this.attachShadow({mode:"open"}),e=new CSSStyleSheet;e.replaceSync(E),t.adoptedStyleSheets=[e];let n=d("section",{"aria-labelledby":"title",part:"panel"});this.#f.id="title",this.#d.log.setAttribute("aria-labelledby","title");let s=d("div",{class:"actions"});s.append(...Object.values(this.#e));let o=d("label",{for:"message"}),a=d("button",{type:"submit",class:"primary",part:"button"});this.#u.append(o,this.#h,a),this.#u.addEventListener("submit",r=>{r.preventDefault(),this.#k()}),n.append(this.#f,this.#b,this.#d.log,this.#u,s),t.append(n)}set texts(t){this.#t={...p,...t},this.#r(this.#i)}connectedCallback(){if(Object.hasOwn(this,"texts")){let{value:t}=Object.getOwnPropertyDescriptor(this,"texts")??{};Reflect.deleteProperty(this,"texts"),this.texts=t}this.#r(this.#i)}disconnectedCallback(){(this.#s||this.#o)&&this.#x()}get#l(){return this.getAttribute("endpoint")??""}#y(t){return(this.getAttribute("kinds")??"voice").split(/\s+/).includes(t)}#r(t){this.#i=t;let e=this.#t;this.#f.textContent=this.getAttribute("label")??e.title;let n=this.#n?.isMuted.get()??!1;for(let[a,r]of Object.entries(this.#e))r.textContent=e[a];this.#e.mute.textContent=n?e.unmute:e.mute,this.#e.call.hidden=t!=="IDLE"||!this.#y("voice"),this.#e.chat.hidden=t!=="IDLE"||!this.#y("text"),this.#e.mute.hidden=t!=="VOICE",this.#e.sound.hidden=t!=="VOICE"||this.#n?.hasSound.get()!==!1,this.#e.end.hidden=t==="IDLE",this.#u.hidden=t!=="TEXT",this.#d.log.hidden=t!=="TEXT"&&this.#d.log.childElementCount===0;let[s,,o]=this.#u.children;s&&(s.textContent=e.message),o&&(o.textContent=e.send)}#a(t){this.#b.textContent=t}async#w(){await this.#v(async t=>{let e=new URL("./voice.js",import.meta.url).href,{joinVoice:n,microphone:s}=await import(e),o=await s({signal:t}),a=await v(this.#l,l()).catch(c=>{throw o.stop(),c}),r=await n(a,{track:o,signal:t,container:this.shadowRoot??this});if(t.aborted)return r.leave();this.#n=r,this.#s={end:()=>r.leave()},this.#a(this.#t.connected),r.isMuted.subscribe(()=>this.#r("VOICE")),r.hasSound.subscribe(()=>this.#r("VOICE")),r.state.subscribe(()=>{let c=r.state.get();c==="ENDED"?this.#m(this.#t.ended):this.#a(c==="CONNECTED"?this.#t.connected:this.#t.reconnecting)}),this.#r("VOICE"),this.#e.mute.focus()})}async#T(){await this.#v(async t=>{let e=await x(this.#l,l());if(t.aborted)return void await m(this.#l,e);let n=T(this.#l,e,{update:s=>this.#E(s),lost:()=>this.#a(this.#t.reconnecting),back:()=>this.#a("")});this.#g=(s,o)=>w(this.#l,e,s,o),this.#s={end:async()=>{n(),await m(this.#l,e)}},this.#a(""),this.#r("TEXT"),this.#h.focus()})}async#v(t){let e=this.#o=new AbortController;this.#c=null,this.#d.clear(),this.#r("CONNECTING"),this.#a(this.#t.connecting),this.#e.end.focus();try{await t(e.signal)}catch(n){if(e.signal.aborted)return;let s=n.code==="MICROPHONE";this.#m(s?this.#t.microphone:this.#t.failed)}finally{this.#o===e&&(this.#o=null)}}#E(t){if(t.__typename==="CallEnded")return this.#m(this.#t.ended);if(t.__typename==="Failed")return this.#m(this.#t.failed);this.#d.add(t),this.#d.log.hidden=!1}async#k(){let t=this.#h.value.trim();if(!t)return;this.#h.value="";let e=t===this.#c?.text?this.#c.key:l();this.#c=null;try{await this.#g(t,e)}catch{this.#c={text:t,key:e},this.#h.value||=t,this.#a(this.#t.failed)}}#x(){this.#o?.abort(),this.#m(this.#t.ended)}#m(t){let e=this.shadowRoot?.activeElement!=null,n=this.#s;this.#s=this.#n=null,n?.end().catch(()=>{}),this.#a(t),this.#r("IDLE"),e&&(this.#e.call.hidden?this.#e.chat:this.#e.call).focus()}#p(t,e,n=""){let s=d("button",{type:"button",class:n,part:`button ${t}`});return s.addEventListener("click",()=>{e()}),s}};function d(i,t={}){let e=document.createElement(i);for(let[n,s]of Object.entries(t))e.setAttribute(n,s);return e}customElements.get("agent-studio-call")||customElements.define("agent-studio-call",f);export{f as AgentStudioCall};
