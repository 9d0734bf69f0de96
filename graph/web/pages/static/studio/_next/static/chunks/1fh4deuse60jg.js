(globalThis.TURBOPACK||(globalThis.TURBOPACK=[])).push(["object"==typeof document?document.currentScript:void 0,91918,20783,e=>{"use strict";var t=e.i(71645),n=Object.defineProperty,r=(e,t)=>n(e,"name",{value:t,configurable:!0});function o(e,t){if("function"==typeof e)return e(t);null!=e&&(e.current=t)}function s(...e){return t=>{let n=!1,r=e.map(e=>{let r=o(e,t);return n||"function"!=typeof r||(n=!0),r});if(n)return()=>{for(let t=0;t<r.length;t++){let n=r[t];"function"==typeof n?n():o(e[t],null)}}}}function i(...e){return t.useCallback(s(...e),e)}r(o,"setRef"),r(s,"composeRefs"),r(i,"useComposedRefs"),e.s(["f",0,i],20783);var a=Object.defineProperty,l=(e,t)=>a(e,"name",{value:t,configurable:!0});function u(e){let n=t.forwardRef((n,r)=>{let{children:o,...s}=n,a=null,l=!1,u=[];o=y(o),t.Children.forEach(o,e=>{if(m(e)){l=!0;let t="child"in e.props?e.props.child:e.props.children;for(;v(t)&&"function"==typeof S;)t=S(t._payload);a=h(e,t),u.push(a?.props?.children)}else u.push(e)}),a?a=t.cloneElement(a,void 0,u):!l&&1===t.Children.count(o)&&t.isValidElement(o)&&(a=o);let d=a?f(a):void 0,c=i(r,d);if(!a){if(o||0===o)throw Error(l?k(e):x(e));return o}let g=p(s,a.props??{});return a.type!==t.Fragment&&(g.ref=r?c:d),t.cloneElement(a,g)});return n.displayName=`${e}.Slot`,n}l(u,"createSlot");var d=u("Slot"),c=Symbol.for("radix.slottable");l(function(e){let t=l(e=>"child"in e?e.children(e.child):e.children,"Slottable");return t.displayName=`${e}.Slottable`,t.__radixId=c,t},"createSlottable");var h=l((e,n)=>"child"in e.props?t.isValidElement(n)?t.cloneElement(n,void 0,e.props.children(n.props.children)):null:t.isValidElement(n)?n:null,"getSlottableElementFromSlottable");function p(e,t){let n={...t};for(let r in t){let o=e[r],s=t[r];/^on[A-Z]/.test(r)?o&&s?n[r]=(...e)=>{let t=s(...e);return o(...e),t}:o&&(n[r]=o):"style"===r?n[r]={...o,...s}:"className"===r?n[r]=[o,s].filter(Boolean).join(" "):"aria-describedby"===r&&(n[r]=b(s,o))}return{...e,...n}}function f(e){let t=Object.getOwnPropertyDescriptor(e.props,"ref")?.get,n=t&&"isReactWarning"in t&&t.isReactWarning;return n?e.ref:(n=(t=Object.getOwnPropertyDescriptor(e,"ref")?.get)&&"isReactWarning"in t&&t.isReactWarning)?e.props.ref:e.props.ref||e.ref}function m(e){return t.isValidElement(e)&&"function"==typeof e.type&&"__radixId"in e.type&&e.type.__radixId===c}l(p,"mergeProps"),l(f,"getElementRef"),l(m,"isSlottable");var g=Symbol.for("react.lazy");function v(e){return null!=e&&"object"==typeof e&&"$$typeof"in e&&e.$$typeof===g&&"_payload"in e&&M(e._payload)}function M(e){return"object"==typeof e&&null!==e&&"then"in e}function y(e){let t=e;for(;v(t)&&"function"==typeof S;)t=S(t._payload);return t}function b(...e){let t=new Set;for(let n of e)if("string"==typeof n)for(let e of String(n).trim().split(/\s+/))e&&t.add(e);return t.size>0?Array.from(t).join(" "):void 0}l(v,"isLazyComponent"),l(M,"isPromiseLike"),l(y,"useUnwrappedLazy"),l(b,"concatAriaDescribedby");var x=l(e=>`${e} failed to slot onto its children. Expected a single React element child or \`Slottable\`.`,"createSlotError"),k=l(e=>`${e} failed to slot onto its \`Slottable\`. Expected \`Slottable\` to receive a single React element child.`,"createSlottableError"),S=t[" use ".trim().toString()];e.s(["Root",0,d,"createSlot",0,u],91918)},81120,97362,e=>{"use strict";var t=e.i(79916);async function*n(e,r,{after:o,...s}={}){for await(let{callEvents:n}of e.subscribe(t.w,{callId:r,after:o??null},s))yield n}e.s(["f",0,n],81120),e.s(["f",0,class{#e;#t=null;#n=null;#r=null;#o=[];#s=new Map;#i=new Set;#a=new Map;#l=new Map;#u=[];#d=null;constructor(e){this.#e=e}snapshot(){return{state:this.#t,node:this.#n,agent:this.#r,turns:[...this.#o,...[...this.#s.values()].map(e=>this.#c(e))],tools:[...this.#a.values()],context:new Map(this.#l),events:this.#u.slice(-this.#e),ended:this.#d}}add(e){if("PartialTranscript"===e.__typename)return this.#h(e);this.#u.push(e),this.#u.length>2*this.#e&&(this.#u=this.#u.slice(-this.#e)),this.#p(e)}#p(e){switch(e.__typename){case"StateChanged":this.#t=e.state;break;case"NodeEntered":this.#n=e.node,this.#r=e.agent;break;case"UserTurn":case"AgentTurn":this.#f(e);break;case"TurnMeasured":this.#m(e);break;case"ToolStarted":case"ToolFinished":this.#g(e);break;case"ContextChanged":e.removed?this.#l.delete(e.path):this.#l.set(e.path,e.value);break;case"CallEnded":this.#t=e.state,this.#d=e,this.#s.clear()}}#h(e){let t=this.#s.get(e.speaker),n=this.#i.has(e.turnId)||t?.turnId===e.turnId&&t.rev>=e.rev;this.#d||n||(e.text?this.#s.set(e.speaker,e):this.#s.delete(e.speaker))}#f(e){let t="UserTurn"===e.__typename?"CALLER":"AGENT";this.#i.add(e.turnId),this.#s.delete(t);let{turnId:n,text:r,at:o}=e,s="AgentTurn"===e.__typename?e:null;this.#o.push({turnId:n,speaker:t,agent:s?.agent??null,text:r,heardText:s?.heardText??null,interrupted:s?.interrupted??!1,partial:!1,at:o,measured:null})}#m(e){let t=this.#o.findLastIndex(({speaker:e})=>"AGENT"===e),n=this.#o[t];n&&(this.#o[t]={...n,measured:e})}#g(e){let{toolCallId:t,tool:n,node:r,at:o}=e,s="ToolFinished"===e.__typename?e:null;this.#a.set(t,{toolCallId:t,tool:n,node:r,arguments:e.arguments,outcome:s?.outcome??null,result:s?.result??null,startedAt:this.#a.get(t)?.startedAt??o,duration:s?.duration??null})}#c({turnId:e,speaker:t,text:n}){let r="AGENT"===t?this.#r:null;return{turnId:e,speaker:t,agent:r,text:n,heardText:null,interrupted:!1,partial:!0,at:null,measured:null}}}],97362)},79916,e=>{"use strict";class t extends String{__apiType;value;__meta__;constructor(e,t){super(e),this.value=e,this.__meta__=t}toString(){return this.value}}let n=new t(`
    subscription CallEvents($callId: ID!, $after: Cursor) {
  callEvents(callId: $callId, after: $after) {
    __typename
    ... on CallEvent {
      cursor
      seq
      at
    }
    ... on StateChanged {
      before
      state
      endingFor
    }
    ... on UserTurn {
      turnId
      text
      messageId
      language
      confidence
      endOfTurn
    }
    ... on AgentTurn {
      turnId
      node
      agent
      text
      heardText
      interrupted
      more
      inHistory
    }
    ... on NodeEntered {
      node
      agent
      firstVisit
      skipped
    }
    ... on HandedOff {
      fromNode
      toNode
      via
      skipped
      contextPolicy
      lastN
      summary
      contextPassed
    }
    ... on HandoffRefused {
      fromNode
      toNode
      via
      message
    }
    ... on ToolStarted {
      toolCallId
      node
      tool
      arguments
    }
    ... on ToolFinished {
      toolCallId
      node
      tool
      arguments
      outcome
      result
      duration
    }
    ... on ContextChanged {
      path
      value
      removed
    }
    ... on CommandApplied {
      commandId
      command
    }
    ... on CommandRefused {
      commandId
      command
      message
    }
    ... on TurnMeasured {
      turnId
      total
      stt
      endOfTurn
      llmFirstToken
      ttsFirstByte
      playback
      firstAudio
      atEar
      line
      inputTokens
      outputTokens
      usage {
        kind
        provider
        model
        inputTokens
        cachedTokens
        outputTokens
        characters
        cost
        audio
      }
    }
    ... on UsageMeasured {
      usage {
        kind
        provider
        model
        inputTokens
        cachedTokens
        outputTokens
        characters
        cost
        audio
      }
    }
    ... on ProviderFailedOver {
      providerKind
      provider
      model
      available
    }
    ... on ErrorRaised {
      source
      message
      recoverable
    }
    ... on WorkerReplaced {
      epoch
    }
    ... on WorkerLeft {
      epoch
    }
    ... on DialStarted {
      trunk
      fromNumber
      toNumber
      ringing
    }
    ... on DialFailed {
      reason
      sipStatus
      after
    }
    ... on CallerPresent {
      present
    }
    ... on CallerSilent {
      duration
    }
    ... on RecordingStarted {
      announced
    }
    ... on CallAnswered {
      after
    }
    ... on AnsweredBy {
      by
      evidence
      quote
      decidedAfter
      revises
    }
    ... on MessageLeft {
      text
      toneHeard
      heard
    }
    ... on ScreenerAnswered {
      round
      text
    }
    ... on DtmfSent {
      digits
    }
    ... on DtmfReceived {
      digits
    }
    ... on DtmfRequested {
      toolCallId
      name
      masked
    }
    ... on DtmfCollected {
      toolCallId
      name
      masked
      pressed
      count
      attempts
      complete
    }
    ... on TransferStarted {
      transferId
      mode
      requestedBy
      node
      number
      trunk
      ringing
    }
    ... on TransferAdvanced {
      transferId
      phase
      brief
    }
    ... on TransferFailed {
      transferId
      failure
      sipStatus
    }
    ... on TransferIsolationLost {
      transferId
    }
    ... on CallerQueued {
      stage
      position
      waited
    }
    ... on CallerDequeued {
      waited
    }
    ... on NewDestination {
      region
    }
    ... on CallEnded {
      state
      reason
      blame
      duration
    }
    ... on PartialTranscript {
      turnId
      rev
      speaker
      text
    }
  }
}
    `),r=new t(`
    mutation SendMessage($input: SendMessageInput!) {
  sendMessage(input: $input) {
    __typename
    ... on SendMessageSuccess {
      turnId
    }
    ... on Error {
      code
      message
      path
      docs
    }
  }
}
    `),o=new t(`
    mutation EndCall($input: EndCallInput!) {
  endCall(input: $input) {
    __typename
    ... on EndCallSuccess {
      call {
        id
        state
      }
    }
    ... on Error {
      code
      message
      path
      docs
    }
  }
}
    `),s=new t(`
    mutation Login($input: LoginInput!) {
  login(input: $input) {
    __typename
    ... on LoginSuccess {
      accessToken
      refreshToken
      expiresAt
    }
    ... on Error {
      code
      message
      path
      docs
    }
  }
}
    `),i=new t(`
    mutation RefreshSession($input: SessionInput!) {
  refreshSession(input: $input) {
    __typename
    ... on LoginSuccess {
      accessToken
      refreshToken
      expiresAt
    }
    ... on Error {
      code
      message
      path
      docs
    }
  }
}
    `),a=new t(`
    mutation FinishSignIn($input: FinishSignInInput!) {
  finishSignIn(input: $input) {
    __typename
    ... on FinishSignInSuccess {
      endSessionUrl
      session {
        accessToken
        refreshToken
        expiresAt
      }
    }
    ... on SignInRefused {
      reason
    }
    ... on Error {
      code
      message
      path
      docs
    }
  }
}
    `),l=new t(`
    mutation SwitchTenant($input: SwitchTenantInput!) {
  switchTenant(input: $input) {
    __typename
    ... on LoginSuccess {
      accessToken
      refreshToken
      expiresAt
    }
    ... on Error {
      code
      message
      path
      docs
    }
  }
}
    `),u=new t(`
    mutation Logout($input: SessionInput!) {
  logout(input: $input) {
    done
  }
}
    `),d=new t(`
    query SignInOptions($tenant: String!) {
  signInOptions(tenant: $tenant) {
    label
    startUrl
  }
}
    `);new t(`
    mutation StartVisitorCall($input: StartCallInput!) {
  startCall(input: $input) {
    __typename
    ... on StartCallSuccess {
      callId
      join {
        url
        token
      }
    }
    ... on Error {
      code
      message
      path
      docs
    }
  }
}
    `),new t(`
    subscription Conversation($callId: ID!, $after: Cursor) {
  callEvents(callId: $callId, after: $after) {
    __typename
    ... on CallEvent {
      cursor
    }
    ... on PartialTranscript {
      turnId
      speaker
      text
    }
    ... on UserTurn {
      turnId
      text
    }
    ... on AgentTurn {
      turnId
      agent
      text
    }
    ... on CallEnded {
      reason
    }
  }
}
    `),e.s(["w",0,n,"F",0,o,"Q",0,a,"_",0,s,"G",0,u,"v",0,i,"C",0,r,"g",0,d,"T",0,l])},6174,e=>{"use strict";e.s(["f",0,()=>Array.from(crypto.getRandomValues(new Uint8Array(16)),e=>e.toString(16).padStart(2,"0")).join("")])},89815,e=>{"use strict";e.s(["f",0,class{#v=new Set;#M;constructor(e){this.#M=e}get=()=>this.#M;subscribe=e=>(this.#v.add(e),()=>void this.#v.delete(e));set(e){if(!Object.is(e,this.#M))for(let t of(this.#M=e,[...this.#v]))t()}}])},74667,e=>{"use strict";var t=e.i(71645),n=e.i(81120),r=e.i(97362),o=e.i(79916),s=e.i(6174),i=e.i(89815),a=e.i(13854);class l{#y;#b;#e;#x;#k;#S;#E="CONNECTING";#w=null;#T=0;#C=null;#N;#I=0;#_=5;#j;constructor(e,t,n){this.#y=e,this.#b=t,this.#e=n,this.#k=new r.f(n),this.#x=new i.f(this.#O())}get=()=>this.#x.get();subscribe=e=>{let t=this.#x.subscribe(e);return clearTimeout(this.#j),this.#T+=1,this.#C||"COMPLETE"===this.#E||this.#P(),()=>{t(),this.#T-=1,0===this.#T&&(this.#j=setTimeout(()=>this.#A(),1e3))}};send=e=>this.#y.mutate(o.C,{input:{callId:this.#b,text:e,idempotencyKey:(0,s.f)()}});end=()=>this.#y.mutate(o.F,{input:{callId:this.#b,byCaller:!0}});#A(){this.#C?.abort(),this.#C=null}async #P(){let e=this.#C=new AbortController;"FAILED"===this.#E&&(this.#E="CONNECTING"),this.#w=null;let{connection:t}=this.#y,n=t.subscribe(()=>{let e=t.get();"RECONNECTING"===e&&"LIVE"===this.#E&&this.#$("RECONNECTING"),"CONNECTED"===e&&"RECONNECTING"===this.#E&&this.#$("LIVE")});try{await this.#R(e.signal),this.#$("COMPLETE")}catch(t){if(e.signal.aborted)return;this.#w=function(e){if(e instanceof a.X)return e.error;if(e instanceof DOMException)return(0,a.k)("DISCONNECTED",e.message);throw e}(t),this.#$("FAILED")}finally{n(),this.#C===e&&(this.#C=null)}}async #R(e){let t=this.#S;try{for await(let r of(0,n.f)(this.#y,this.#b,t?{after:t,signal:e}:{signal:e}))this.#k.add(r),this.#I+=1,"cursor"in r&&(this.#S=r.cursor),this.#$("LIVE")}catch(t){if(!(t instanceof a.X)||"CURSOR_EXPIRED"!==t.error.code)throw t;this.#k=new r.f(this.#e),this.#S=void 0,await this.#R(e)}}#$(e){if(this.#E=e,"COMPLETE"===e||"FAILED"===e)return this.#L();this.#N??=setTimeout(this.#z,80)}#z=()=>{if(this.#I<100||this.#_>=5)return this.#L();this.#I=0,this.#_+=1,this.#N=setTimeout(this.#z,80)};#L(){clearTimeout(this.#N),this.#N=void 0,this.#I=this.#_=0,this.#x.set(this.#O())}#O(){return{...this.#k.snapshot(),status:this.#E,error:this.#w}}}let u=(0,t.createContext)(null);function d(){let e=(0,t.useContext)(u);if(!e)throw Error("There is no <StudioProvider> around this component.");return e}function c({get:e,subscribe:n}){return(0,t.useSyncExternalStore)(n,e,e)}e.s(["z",0,function({studio:e,children:n}){return(0,t.createElement)(u.Provider,{value:e},n)},"n",0,function(){return c(d().connection)},"y",0,function(e){let n=d(),r=(0,t.useMemo)(()=>(function(e,t,n={}){return new l(e,t,n.keepEvents??2e4)})(n,e),[n,e]),o=c(r);return(0,t.useMemo)(()=>({...o,send:r.send,end:r.end}),[o,r])},"_",0,c,"S",0,d],74667)},13854,e=>{"use strict";let t=new Set(["UNREACHABLE","TIMEOUT","BAD_RESPONSE","UNAVAILABLE"]),n=(e,t=[],n={})=>({ok:!0,value:e,errors:t,extensions:n}),r=e=>({ok:!1,error:e});function o(e){let[t]=e,{code:n,docs:r,retryAfter:o,missing:s,ref:i}=t?.extensions??{};return{__typename:"RequestError",code:"string"==typeof n?n:"BAD_RESPONSE",message:t?.message??"The response has neither data nor errors.",path:t?.path??[],docs:"string"==typeof r?r:null,retryAfter:"number"==typeof o?o:null,missing:Array.isArray(s)?s.map(String):[],ref:"string"==typeof i?i:null,errors:e}}e.s(["X",0,class extends Error{name="RequestFailed";error;constructor(e){super(`${e.message} (${e.code})`),this.error=e}},"Z",0,t,"k",0,function(e,t){return o([{message:t,extensions:{code:e}}])},"c",0,r,"N",0,function(e){if("object"!=typeof e||null===e)return r(o([]));let{data:t,errors:s,extensions:i}=e;return null==t?r(o(s??[])):s?.length&&Object.entries(t).every(([e,t])=>"__typename"===e||null===t)?r(o(s)):n(t,s,i)},"O",0,o,"i",0,n])},22016,(e,t,n)=>{"use strict";Object.defineProperty(n,"__esModule",{value:!0});var r={default:function(){return v},useLinkStatus:function(){return y}};for(var o in r)Object.defineProperty(n,o,{enumerable:!0,get:r[o]});let s=e.r(90809),i=e.r(43476),a=s._(e.r(71645)),l=e.r(95057),u=e.r(8372),d=e.r(18581),c=e.r(18967),h=e.r(5550),p=e.r(88540),f=e.r(91949),m=e.r(73668),g=e.r(9396);function v(t){var n;let r,o,s,[v,y]=(0,a.useOptimistic)(f.IDLE_LINK_STATUS),b=(0,a.useRef)(null),{href:x,as:k,children:S,prefetch:E=null,passHref:w,replace:T,shallow:C,scroll:N,onClick:I,onMouseEnter:_,onTouchStart:j,legacyBehavior:O=!1,onNavigate:P,transitionTypes:A,ref:$,unstable_dynamicOnHover:R,...L}=t;r=S,O&&("string"==typeof r||"number"==typeof r)&&(r=(0,i.jsx)("a",{children:r}));let z=a.default.useContext(u.AppRouterContext),F=!1!==E,D=!1===E?"none":!0===E?"full":"auto",U="none"!==D?"auto"===D?g.FetchStrategy.PPR:g.FetchStrategy.Full:g.FetchStrategy.PPR,V="string"==typeof(n=k||x)?n:(0,l.formatUrl)(n);if(O){if(r?.$$typeof===Symbol.for("react.lazy"))throw Error("`<Link legacyBehavior>` received a direct child that is either a Server Component, or JSX that was loaded with React.lazy(). This is not supported. Either remove legacyBehavior, or make the direct child a Client Component that renders the Link's `<a>` tag.");o=a.default.Children.only(r)}let H=O?o&&"object"==typeof o&&o.ref:$,B,q=a.default.useCallback(e=>(null!==z&&(b.current=(0,f.mountLinkInstance)(e,V,z,U,F,y,B)),()=>{b.current&&((0,f.unmountLinkForCurrentNavigation)(b.current),b.current=null),(0,f.unmountPrefetchableInstance)(e)}),[F,V,z,U,y,B]),K={ref:(0,d.useMergedRef)(q,H),onClick(t){O||"function"!=typeof I||I(t),O&&o.props&&"function"==typeof o.props.onClick&&o.props.onClick(t),!z||t.defaultPrevented||function(t,n,r,o,s,i,a,l="none"){if("u">typeof window){let u,{nodeName:d}=t.currentTarget;if("A"===d.toUpperCase()&&((u=t.currentTarget.getAttribute("target"))&&"_self"!==u||t.metaKey||t.ctrlKey||t.shiftKey||t.altKey||t.nativeEvent&&2===t.nativeEvent.which)||t.currentTarget.hasAttribute("download"))return;if(!(0,m.isLocalURL)(n)){o&&(t.preventDefault(),location.replace(n));return}if(t.preventDefault(),i){let e=!1;if(i({preventDefault:()=>{e=!0}}),e)return}let{navigate:c}=e.r(32916);c(n,o?"replace":"push",!1===s?p.ScrollBehavior.NoScroll:p.ScrollBehavior.Default,r.current,a,l)}}(t,V,b,T,N,P,A,D)},onMouseEnter(e){O||"function"!=typeof _||_(e),O&&o.props&&"function"==typeof o.props.onMouseEnter&&o.props.onMouseEnter(e),z&&F&&(0,f.onNavigationIntent)(e.currentTarget,!0===R)},onTouchStart:function(e){O||"function"!=typeof j||j(e),O&&o.props&&"function"==typeof o.props.onTouchStart&&o.props.onTouchStart(e),z&&F&&(0,f.onNavigationIntent)(e.currentTarget,!0===R)}};return(0,c.isAbsoluteUrl)(V)?K.href=V:O&&!w&&("a"!==o.type||"href"in o.props)||(K.href=(0,h.addBasePath)(V)),s=O?a.default.cloneElement(o,K):(0,i.jsx)("a",{...L,...K,children:r}),(0,i.jsx)(M.Provider,{value:v,children:s})}let M=(0,a.createContext)(f.IDLE_LINK_STATUS),y=()=>(0,a.useContext)(M);("function"==typeof n.default||"object"==typeof n.default&&null!==n.default)&&void 0===n.default.__esModule&&(Object.defineProperty(n.default,"__esModule",{value:!0}),Object.assign(n.default,n),t.exports=n.default)},18581,(e,t,n)=>{"use strict";Object.defineProperty(n,"__esModule",{value:!0}),Object.defineProperty(n,"useMergedRef",{enumerable:!0,get:function(){return o}});let r=e.r(71645);function o(e,t){let n=(0,r.useRef)(null),o=(0,r.useRef)(null);return(0,r.useCallback)(r=>{if(null===r){let e=n.current;e&&(n.current=null,e());let t=o.current;t&&(o.current=null,t())}else e&&(n.current=s(e,r)),t&&(o.current=s(t,r))},[e,t])}function s(e,t){if("function"!=typeof e)return e.current=t,()=>{e.current=null};{let n=e(t);return"function"==typeof n?n:()=>e(null)}}("function"==typeof n.default||"object"==typeof n.default&&null!==n.default)&&void 0===n.default.__esModule&&(Object.defineProperty(n.default,"__esModule",{value:!0}),Object.assign(n.default,n),t.exports=n.default)},95057,(e,t,n)=>{"use strict";Object.defineProperty(n,"__esModule",{value:!0});var r={formatUrl:function(){return a},formatWithValidation:function(){return u},urlObjectKeys:function(){return l}};for(var o in r)Object.defineProperty(n,o,{enumerable:!0,get:r[o]});let s=e.r(90809)._(e.r(98183)),i=/https?|ftp|gopher|file/;function a(e){let{auth:t,hostname:n}=e,r=e.protocol||"",o=e.pathname||"",a=e.hash||"",l=e.query||"",u=!1;t=t?encodeURIComponent(t).replace(/%3A/i,":")+"@":"",e.host?u=t+e.host:n&&(u=t+(~n.indexOf(":")?`[${n}]`:n),e.port&&(u+=":"+e.port)),l&&"object"==typeof l&&(l=String(s.urlQueryToSearchParams(l)));let d=e.search||l&&`?${l}`||"";return r&&!r.endsWith(":")&&(r+=":"),e.slashes||(!r||i.test(r))&&!1!==u?(u="//"+(u||""),o&&"/"!==o[0]&&(o="/"+o)):u||(u=""),a&&"#"!==a[0]&&(a="#"+a),d&&"?"!==d[0]&&(d="?"+d),o=o.replace(/[?#]/g,encodeURIComponent),d=d.replace("#","%23"),`${r}${u}${o}${d}${a}`}let l=["auth","hash","host","hostname","href","path","pathname","port","protocol","query","search","slashes"];function u(e){return a(e)}},73668,(e,t,n)=>{"use strict";Object.defineProperty(n,"__esModule",{value:!0}),Object.defineProperty(n,"isLocalURL",{enumerable:!0,get:function(){return s}});let r=e.r(18967),o=e.r(52817);function s(e){if(!(0,r.isAbsoluteUrl)(e))return!0;try{let t=(0,r.getLocationOrigin)(),n=new URL(e,t);return n.origin===t&&(0,o.hasBasePath)(n.pathname)}catch(e){return!1}}},18967,(e,t,n)=>{"use strict";Object.defineProperty(n,"__esModule",{value:!0});var r={DecodeError:function(){return v},MiddlewareNotFoundError:function(){return x},MissingStaticPage:function(){return b},NormalizeError:function(){return M},PageNotFoundError:function(){return y},SP:function(){return m},ST:function(){return g},WEB_VITALS:function(){return s},execOnce:function(){return i},getDisplayName:function(){return c},getLocationOrigin:function(){return u},getURL:function(){return d},isAbsoluteUrl:function(){return l},isResSent:function(){return h},loadGetInitialProps:function(){return f},normalizeRepeatedSlashes:function(){return p},stringifyError:function(){return k}};for(var o in r)Object.defineProperty(n,o,{enumerable:!0,get:r[o]});let s=["CLS","FCP","INP","LCP","TTFB"];function i(e){let t,n=!1;return(...r)=>(n||(n=!0,t=e(...r)),t)}let a=/^[a-zA-Z][a-zA-Z\d+\-.]*?:/,l=e=>{let t=e.charCodeAt(0);return!!(t>=65&&t<=90||t>=97&&t<=122)&&a.test(e)};function u(){let{protocol:e,hostname:t,port:n}=window.location;return`${e}//${t}${n?":"+n:""}`}function d(){let{href:e}=window.location,t=u();return e.substring(t.length)}function c(e){return"string"==typeof e?e:e.displayName||e.name||"Unknown"}function h(e){return e.finished||e.headersSent}function p(e){let t=e.split("?");return t[0].replace(/\\/g,"/").replace(/\/\/+/g,"/")+(t[1]?`?${t.slice(1).join("?")}`:"")}async function f(e,t){let n=t.res||t.ctx&&t.ctx.res;if(!e.getInitialProps)return t.ctx&&t.Component?{pageProps:await f(t.Component,t.ctx)}:{};let r=await e.getInitialProps(t);if(n&&h(n))return r;if(!r)throw Error(`"${c(e)}.getInitialProps()" should resolve to an object. But found "${r}" instead.`);return r}let m="u">typeof performance,g=m&&["mark","measure","getEntriesByName"].every(e=>"function"==typeof performance[e]);class v extends Error{}class M extends Error{}class y extends Error{constructor(e){super(),this.code="ENOENT",this.name="PageNotFoundError",this.message=`Cannot find module for page: ${e}`}}class b extends Error{constructor(e,t){super(),this.message=`Failed to load static file for page: ${e} ${t}`}}class x extends Error{constructor(){super(),this.code="ENOENT",this.message="Cannot find the middleware module"}}function k(e){return JSON.stringify({message:e.message,stack:e.stack})}},18566,(e,t,n)=>{t.exports=e.r(76562)},47887,77868,e=>{"use strict";var t=e.i(43476),n=e.i(71645),r=e.i(4181);let o={kind:"Document",definitions:[{kind:"OperationDefinition",operation:"query",name:{kind:"Name",value:"Viewer"},selectionSet:{kind:"SelectionSet",selections:[{kind:"Field",name:{kind:"Name",value:"viewer"},selectionSet:{kind:"SelectionSet",selections:[{kind:"Field",name:{kind:"Name",value:"subject"}},{kind:"Field",name:{kind:"Name",value:"scopes"}},{kind:"Field",name:{kind:"Name",value:"person"},selectionSet:{kind:"SelectionSet",selections:[{kind:"Field",name:{kind:"Name",value:"id"}},{kind:"Field",name:{kind:"Name",value:"email"}},{kind:"Field",name:{kind:"Name",value:"name"}}]}},{kind:"Field",name:{kind:"Name",value:"tenant"},selectionSet:{kind:"SelectionSet",selections:[{kind:"Field",name:{kind:"Name",value:"id"}},{kind:"Field",name:{kind:"Name",value:"slug"}},{kind:"Field",name:{kind:"Name",value:"name"}}]}},{kind:"Field",name:{kind:"Name",value:"memberships"},selectionSet:{kind:"SelectionSet",selections:[{kind:"Field",name:{kind:"Name",value:"role"}},{kind:"Field",name:{kind:"Name",value:"tenant"},selectionSet:{kind:"SelectionSet",selections:[{kind:"Field",name:{kind:"Name",value:"id"}},{kind:"Field",name:{kind:"Name",value:"slug"}},{kind:"Field",name:{kind:"Name",value:"name"}}]}}]}}]}}]}}]};e.s(["f",0,o],77868);let s=(0,n.createContext)(null),i=()=>(0,n.useContext)(s);e.s(["K",0,function({fallback:e,children:n}){let[{data:i,error:a}]=(0,r.t)({query:o});return(0,t.jsx)(s,{value:i?.viewer??null,children:i||a?n:e})},"o",0,function(e){let t=i();return null===t||t.scopes.includes(e)},"_",0,i],47887)},96590,15834,e=>{"use strict";var t=e.i(43476);let n={overview:"M4 13h6V4H4zM14 20h6V4h-6zM4 20h6v-3H4z",calls:"M5 4h4l2 5-2.5 1.5a11 11 0 0 0 5 5L15 13l5 2v4a1 1 0 0 1-1 1A15 15 0 0 1 4 5a1 1 0 0 1 1-1z",agents:"M12 3v3M7 6h10a2 2 0 0 1 2 2v8a2 2 0 0 1-2 2H7a2 2 0 0 1-2-2V8a2 2 0 0 1 2-2zM9.5 11v1.5M14.5 11v1.5M9 21h6",key:"M8 16a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM12 12h9v3M17 12v2.5",people:"M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM2.5 20c.5-3.5 3-5.5 6.5-5.5s6 2 6.5 5.5M16 4.5a3.5 3.5 0 0 1 0 6.5M18 14.8c2 .8 3.2 2.6 3.5 5.2",audit:"M6 3h9l4 4v14H6zM14 3v5h5M9 12h7M9 16h7",search:"M10.5 17a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13zM15.5 15.5 20 20",menu:"M4 6h16M4 12h16M4 18h16",more:"M5 12h.01M12 12h.01M19 12h.01",close:"M6 6l12 12M18 6 6 18",check:"M5 12.5 10 17 19 7",down:"M6 9l6 6 6-6",right:"M9 6l6 6-6 6",left:"M15 6l-6 6 6 6",up:"M6 15l6-6 6 6",sun:"M12 16a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM12 2v2M12 20v2M2 12h2M20 12h2M5 5l1.4 1.4M17.6 17.6 19 19M19 5l-1.4 1.4M6.4 17.6 5 19",moon:"M20 14.5A8 8 0 0 1 9.5 4 8 8 0 1 0 20 14.5z",system:"M4 5h16v11H4zM9 20h6M12 16v4",signOut:"M10 4H5v16h5M14 8l4 4-4 4M9 12h9",filter:"M4 5h16l-6 8v6l-4-2v-4z",columns:"M4 5h16v14H4zM10 5v14M15 5v14",download:"M12 4v11M7 10.5l5 4.5 5-4.5M5 20h14",bookmark:"M7 4h10v16l-5-4-5 4z",warning:"M12 4 3 20h18zM12 10v5M12 17.5v.01",info:"M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM12 11v5M12 8v.01",phone:"M7 3h10a1 1 0 0 1 1 1v16a1 1 0 0 1-1 1H7a1 1 0 0 1-1-1V4a1 1 0 0 1 1-1zM11 18h2",globe:"M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM3 12h18M12 3c3 3 3 15 0 18M12 3c-3 3-3 15 0 18",text:"M4 5h16v11H9l-5 4z",tool:"M14.5 6.5a4 4 0 0 1 5-1l-2.7 2.7 1 2 2 1L22 8.5a4 4 0 0 1-5.5 4.3L9 20.3a2 2 0 0 1-3-3l7.4-7.4a4 4 0 0 1 1-3.4z",swap:"M4 8h14M14 4l4 4-4 4M20 16H6M10 12l-4 4 4 4",send:"M4 12 20 4l-5 16-3-6z",stop:"M7 7h10v10H7z",play:"M8 5v14l11-7z",microphone:"M12 14a3 3 0 0 0 3-3V6a3 3 0 0 0-6 0v5a3 3 0 0 0 3 3zM6 11a6 6 0 0 0 12 0M12 17v4",microphoneOff:"M15 11V6a3 3 0 0 0-5.6-1.5M9 9v2a3 3 0 0 0 4.5 2.6M6 11a6 6 0 0 0 9.5 4.9M18 11a6 6 0 0 1-.4 2M12 17v4M4 4l16 16",copy:"M9 9h11v11H9zM5 15H4V4h11v1",refresh:"M20 11a8 8 0 1 0-2.3 6.3M20 5v6h-6",plus:"M12 5v14M5 12h14",grip:"M9 6h.01M15 6h.01M9 12h.01M15 12h.01M9 18h.01M15 18h.01",external:"M14 4h6v6M20 4l-9 9M18 14v6H4V6h6",undo:"M8 5 4 9l4 4M4 9h10a5.5 5.5 0 0 1 0 11h-3",redo:"M16 5l4 4-4 4M20 9H10a5.5 5.5 0 0 0 0 11h3",minus:"M5 12h14",fit:"M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5",tidy:"M4 5h5v5H4zM15 3h5v5h-5zM15 16h5v5h-5zM9 7.5h3V5.5h3M12 7.5v11h3",trash:"M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13M10.5 11v5M13.5 11v5",workflow:"M3.5 9h5v6h-5zM15.5 4h5v5h-5zM15.5 15h5v5h-5zM8.5 12h3.5M12 6.5v11M12 6.5h3.5M12 17.5h3.5",history:"M4 12a8 8 0 1 0 2.5-5.8L4 8.5M4 4v4.5h4.5M12 8v4.5l3 2",upload:"M12 15V4M7 8.5 12 4l5 4.5M5 20h14",edit:"M4 20l1-4L16 5l3 3L8 19zM14 7l3 3",provider:"M5 4h14v6H5zM5 14h14v6H5zM8 7h.01M8 17h.01M12 7h4M12 17h4",lock:"M6 11h12v9H6zM8.5 11V8a3.5 3.5 0 0 1 7 0v3M12 14.5v2",settings:"M4 7h9M17 7h3M4 17h3M11 17h9M15 9.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5zM9 19.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5z",clock:"M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM12 7v5l3 2"};function r({name:e,...o}){return(0,t.jsx)("svg",{viewBox:"0 0 24 24",width:"18",height:"18",fill:"none",stroke:"currentColor",strokeWidth:"1.7",strokeLinecap:"round",strokeLinejoin:"round","aria-hidden":"true",...o,className:`shrink-0 ${o.className??""}`,children:(0,t.jsx)("path",{d:n[e]})})}e.s(["f",0,r],15834);let o={primary:"bg-accent text-on-accent hover:bg-accent-strong border-transparent",secondary:"bg-surface text-text hover:bg-hover border-line-strong/60",ghost:"bg-transparent text-text hover:bg-hover border-transparent",danger:"bg-bad-soft text-bad hover:brightness-95 border-bad/40"},s=(e,t=!1)=>`inline-flex h-9 items-center justify-center gap-2 rounded-md border text-sm font-medium whitespace-nowrap
   transition-colors disabled:opacity-55 aria-disabled:opacity-55 ${t?"w-9":"px-3.5"} ${o[e]}`;e.s(["K",0,function({kind:e="secondary",icon:n,busy:o=!1,"aria-disabled":i=!1,children:a,className:l="",onClick:u,...d}){let c=o||!0===i||"true"===i;return(0,t.jsxs)("button",{type:"button",...d,"aria-disabled":c||void 0,"aria-busy":o||void 0,onClick:e=>c?e.preventDefault():u?.(e),className:`${s(e,!a)} ${l}`,children:[n&&(0,t.jsx)(r,{name:n}),a]})},"R",0,s],96590)},16726,67660,e=>{"use strict";var t=e.i(43476),n=e.i(71645),r=e.i(42054);let o="A part of the dashboard could not be loaded. Try again, or load the page again.",s=new Map;async function i(e){let t=await e();return s.set(e,t),t}function a(e,t,a){let l=(0,r.d)(),[u,d]=(0,n.useState)(null),c=(0,n.useEffectEvent)(()=>{l("bad",o),a()});return t&&!u&&s.has(e)&&d(s.get(e)),(0,n.useEffect)(()=>{if(!t||u)return;let n=!0;return i(e).then(e=>n&&d(e),()=>n&&c()),()=>{n=!1}},[e,t,u]),u}e.s(["u",0,o,"o",0,function(...e){for(let t of e)i(t).catch(()=>void 0)},"s",0,a],67660);let l=()=>e.A(99897),u=({open:e,onOpenChange:t})=>a(l,e,()=>t(!1));e.s(["N",0,function(e){let n=u(e);return n&&(0,t.jsx)(n.DialogView,{...e})},"S",0,function(e){let n=u(e);return n&&(0,t.jsx)(n.DrawerView,{...e})},"I",0,l],16726)},90087,e=>{"use strict";var t=e.i(43476),n=e.i(22016);e.s(["f",0,e=>(0,t.jsx)(n.default,{...e,prefetch:!1})])},2181,e=>{"use strict";var t=e.i(43476),n=e.i(91918),n=n,r=e.i(71645),o=e.i(15834),s=e.i(67660);let i=`flex cursor-pointer items-center gap-2.5 rounded-md px-2.5 py-1.5 text-sm outline-none select-none
  data-[highlighted]:bg-hover data-[disabled]:opacity-55`,a=(0,r.createContext)(null);function l(){let e=(0,r.use)(a);if(!e)throw Error("The item is outside of a menu.");return e}let u=()=>e.A(3128);function d({trigger:e,align:n="start",side:o="bottom",onCloseAutoFocus:s,isOpen:i,onOpenChange:a,isByKeyboard:u,children:c}){let h=l(),p=(0,r.useRef)(!0);return(0,t.jsxs)(h.Root,{modal:!1,open:i,onOpenChange:a,children:[(0,t.jsx)(h.Trigger,{asChild:!0,children:e}),(0,t.jsx)(h.Portal,{children:(0,t.jsx)(h.Content,{ref:e=>{e&&p.current&&(p.current=!1,u&&requestAnimationFrame(()=>e.querySelector("[role^=menuitem]")?.focus()))},align:n,side:o,sideOffset:6,collisionPadding:8,...s&&{onCloseAutoFocus:s},className:"fade-in z-50 max-h-[var(--radix-dropdown-menu-content-available-height)] min-w-52 overflow-y-auto rounded-lg\n            border bg-raised p-1 shadow-large",children:c})})]})}function c(){let e=l();return(0,t.jsx)("span",{className:"grid w-4.5 place-items-center",children:(0,t.jsx)(e.ItemIndicator,{children:(0,t.jsx)(o.f,{name:"check",width:16,height:16,className:"text-accent"})})})}e.s(["k",0,function(e){let[o,i]=(0,r.useState)(!1),l=(0,r.useRef)(!1),c=(0,s.s)(u,o,()=>i(!1));if(c)return(0,t.jsx)(a,{value:c.DropdownMenu,children:(0,t.jsx)(d,{...e,isOpen:o,onOpenChange:i,isByKeyboard:l.current})});let h=e=>{l.current=e,i(!0)};return(0,t.jsx)(n.Root,{"aria-haspopup":"menu","aria-expanded":!1,onPointerEnter:()=>(0,s.o)(u),onFocus:()=>(0,s.o)(u),onClick:({detail:e})=>h(0===e),onKeyDown:e=>{"ArrowDown"===e.key&&(e.preventDefault(),h(!0))},children:e.trigger})},"q",0,function({checked:e,onChange:n,children:r}){let o=l();return(0,t.jsxs)(o.CheckboxItem,{checked:e,onCheckedChange:n,onSelect:e=>e.preventDefault(),className:i,children:[(0,t.jsx)(c,{}),r]})},"E",0,function({value:e,onChange:n,options:r}){let o=l();return(0,t.jsx)(o.RadioGroup,{value:e,onValueChange:e=>n(e),children:r.map(e=>(0,t.jsxs)(o.RadioItem,{value:e.value,className:i,children:[(0,t.jsx)(c,{}),e.label]},e.value))})},"d",0,function({icon:e,refused:n,onSelect:r,children:s}){let a=l();return(0,t.jsxs)(a.Item,{className:`${i} ${n?"text-muted":""}`,"aria-disabled":!!n||void 0,onSelect:n?e=>e.preventDefault():r,children:[e&&(0,t.jsx)(o.f,{name:e,className:"text-muted"}),(0,t.jsxs)("span",{children:[s,n&&(0,t.jsx)("span",{className:"block max-w-60 text-xs",children:n})]})]})},"U",0,function({children:e}){let n=l();return(0,t.jsx)(n.Label,{className:"px-2.5 pt-2 pb-1 text-xs font-medium text-muted",children:e})},"j",0,function({icon:e,href:n,children:r}){let s=l();return(0,t.jsx)(s.Item,{className:i,asChild:!0,children:(0,t.jsxs)("a",{href:n,children:[e&&(0,t.jsx)(o.f,{name:e,className:"text-muted"}),r]})})},"Z",0,function(){let e=l();return(0,t.jsx)(e.Separator,{className:"my-1 h-px bg-line"})},"m",0,u],2181)},42054,e=>{"use strict";var t=e.i(43476),n=e.i(71645),r=e.i(15834);let o=(0,n.createContext)(()=>{}),s=0;function i({toast:e,onRemove:o}){return(0,n.useEffect)(()=>{let t=setTimeout(()=>o(e.id),6e3);return()=>clearTimeout(t)},[e.id,o]),(0,t.jsxs)("div",{className:"fade-in pointer-events-auto flex max-w-sm items-start gap-2.5 rounded-lg border bg-raised py-2.5 pr-2 pl-3.5 text-sm shadow-large",children:[(0,t.jsx)(r.f,{name:"ok"===e.tone?"check":"warning",className:`mt-0.5 ${"ok"===e.tone?"text-ok":"text-bad"}`}),(0,t.jsx)("span",{className:"min-w-0 py-px",children:e.text}),(0,t.jsx)("button",{type:"button","aria-label":"Dismiss",className:"rounded p-1 text-muted hover:bg-hover",onClick:()=>o(e.id),children:(0,t.jsx)(r.f,{name:"close",width:16,height:16})})]})}e.s(["V",0,function({children:e}){let[r,a]=(0,n.useState)([]),l=(0,n.useCallback)((e,t)=>{a(n=>[...n.slice(-2),{id:++s,tone:e,text:t}])},[]),u=(0,n.useCallback)(e=>a(t=>t.filter(t=>t.id!==e)),[]);return(0,t.jsxs)(o,{value:l,children:[e,(0,t.jsx)("div",{role:"status",className:"pointer-events-none fixed right-4 bottom-4 left-4 z-60 grid justify-items-end gap-2",children:r.map(e=>(0,t.jsx)(i,{toast:e,onRemove:u},e.id))})]})},"d",0,()=>(0,n.useContext)(o)])}]);
