(globalThis.TURBOPACK||(globalThis.TURBOPACK=[])).push(["object"==typeof document?document.currentScript:void 0,42727,75830,86318,e=>{"use strict";var t=e.i(71645),n=e.i(81140),r=e.i(30030),i=e.i(20783),s=e.i(91918),o=e.i(43476),l=e.i(34620),a=Object.defineProperty,u=(e,t)=>a(e,"name",{value:t,configurable:!0});function c(e){let n=e+"CollectionProvider",[l,a]=(0,r.f)(n),[c,d]=l(n,{collectionRef:{current:null},itemMap:new Map}),f=u(e=>{let{scope:n,children:r}=e,i=t.useRef(null),s=t.useRef(new Map).current;return(0,o.jsx)(c,{scope:n,itemMap:s,collectionRef:i,children:r})},"CollectionProvider");f.displayName=n;let h=e+"CollectionSlot",p=(0,s.f)(h),m=t.forwardRef((e,t)=>{let{scope:n,children:r}=e,s=d(h,n),l=(0,i.f)(t,s.collectionRef);return(0,o.jsx)(p,{ref:l,children:r})});m.displayName=h;let g=e+"CollectionItemSlot",y="data-radix-collection-item",v=(0,s.f)(g),b=t.forwardRef((e,n)=>{let{scope:r,children:s,...l}=e,a=t.useRef(null),u=(0,i.f)(n,a),c=d(g,r);return t.useEffect(()=>(c.itemMap.set(a,{ref:a,...l}),()=>void c.itemMap.delete(a))),(0,o.jsx)(v,{...{[y]:""},ref:u,children:s})});function k(n){let r=d(e+"CollectionConsumer",n);return t.useCallback(()=>{let e=r.collectionRef.current;if(!e)return[];let t=Array.from(e.querySelectorAll(`[${y}]`));return Array.from(r.itemMap.values()).sort((e,n)=>t.indexOf(e.ref.current)-t.indexOf(n.ref.current))},[r.collectionRef,r.itemMap])}return b.displayName=g,u(k,"useCollection"),[{Provider:f,Slot:m,ItemSlot:b},k,a]}u(c,"createCollection");var d=new WeakMap,f=class e extends Map{static{u(this,"OrderedDict")}#e;constructor(e){super(e),this.#e=[...super.keys()],d.set(this,!0)}set(e,t){return d.get(this)&&!this.has(e)&&this.#e.push(e),super.set(e,t),this}insert(e,t,n){let r=this.has(t),i=r?this.size:this.size+1,s=m(e),o=s>=0?Math.min(s,i-1):Math.max(i+s,0);if(r?this.#e.indexOf(t)===o:o===this.size)return this.set(t,n),this;let l=this.#e.filter(e=>e!==t);l.splice(o,0,t);let a=l.map(e=>[e,e===t?n:this.get(e)]);for(let[e,t]of(this.clear(),a))this.set(e,t);return this}with(t,n,r){let i=new e(this);return i.insert(t,n,r),i}before(e){let t=this.#e.indexOf(e)-1;if(!(t<0))return this.entryAt(t)}setBefore(e,t,n){let r=this.#e.indexOf(e);if(-1===r)return this;let i=this.#e.indexOf(t);return this.insert(-1!==i&&i<r?r-1:r,t,n)}after(e){let t=this.#e.indexOf(e);if(-1!==(t=-1===t||t===this.size-1?-1:t+1))return this.entryAt(t)}setAfter(e,t,n){let r=this.#e.indexOf(e);if(-1===r)return this;let i=this.#e.indexOf(t);return this.insert(-1!==i&&i<=r?r:r+1,t,n)}first(){return this.entryAt(0)}last(){return this.entryAt(-1)}clear(){return this.#e=[],super.clear()}delete(e){let t=super.delete(e);return t&&this.#e.splice(this.#e.indexOf(e),1),t}deleteAt(e){let t=this.keyAt(e);return void 0!==t&&this.delete(t)}at(e){let t=h(this.#e,e);if(void 0!==t)return this.get(t)}entryAt(e){let t=h(this.#e,e);if(void 0!==t)return[t,this.get(t)]}indexOf(e){return this.#e.indexOf(e)}keyAt(e){return h(this.#e,e)}from(e,t){let n=this.indexOf(e);if(-1===n)return;let r=n+t;return r<0&&(r=0),r>=this.size&&(r=this.size-1),this.at(r)}keyFrom(e,t){let n=this.indexOf(e);if(-1===n)return;let r=n+t;return r<0&&(r=0),r>=this.size&&(r=this.size-1),this.keyAt(r)}find(e,t){let n=0;for(let r of this){if(Reflect.apply(e,t,[r,n,this]))return r;n++}}findIndex(e,t){let n=0;for(let r of this){if(Reflect.apply(e,t,[r,n,this]))return n;n++}return -1}filter(t,n){let r=[],i=0;for(let e of this)Reflect.apply(t,n,[e,i,this])&&r.push(e),i++;return new e(r)}map(t,n){let r=[],i=0;for(let e of this)r.push([e[0],Reflect.apply(t,n,[e,i,this])]),i++;return new e(r)}reduce(...e){let[t,n]=e,r=e.length>1;if(!r&&0===this.size)throw TypeError("Reduce of empty OrderedDict with no initial value");let i=0,s=n;for(let e of this)s=0!==i||r?Reflect.apply(t,this,[s,e,i,this]):e,i++;return s}reduceRight(...e){let[t,n]=e,r=e.length>1;if(!r&&0===this.size)throw TypeError("Reduce of empty OrderedDict with no initial value");let i=n;for(let e=this.size-1;e>=0;e--){let n=this.entryAt(e);i=e!==this.size-1||r?Reflect.apply(t,this,[i,n,e,this]):n}return i}sort(e){if("function"!=typeof e)throw TypeError("OrderedDict.sort requires a compare function");let t=[...this.entries()].sort(e);for(let[e,n]of(this.clear(),t))this.set(e,n);return this}toSorted(t){if("function"!=typeof t)throw TypeError("OrderedDict.toSorted requires a compare function");return new e([...this.entries()].sort(t))}toReversed(){let t=new e;for(let e=this.size-1;e>=0;e--){let n=this.keyAt(e),r=this.get(n);t.set(n,r)}return t}toSpliced(...t){let n=[...this.entries()];return n.splice(...t),new e(n)}slice(t,n){let r=new e;for(let e of this.#e.slice(t,n))r.set(e,this.get(e));return r}every(e,t){let n=0;for(let r of this){if(!Reflect.apply(e,t,[r,n,this]))return!1;n++}return!0}some(e,t){let n=0;for(let r of this){if(Reflect.apply(e,t,[r,n,this]))return!0;n++}return!1}};function h(e,t){if("at"in Array.prototype)return Array.prototype.at.call(e,t);let n=p(e,t);return -1===n?void 0:e[n]}function p(e,t){let n=e.length,r=m(t),i=r>=0?r:n+r;return i<0||i>=n?-1:i}function m(e){return e!=e||0===e?0:Math.trunc(e)}function g(e,t){if(e===t)return!0;if("object"!=typeof e||"object"!=typeof t||null==e||null==t)return!1;let n=Object.keys(e),r=Object.keys(t);if(n.length!==r.length)return!1;for(let r of n)if(!Object.prototype.hasOwnProperty.call(t,r)||e[r]!==t[r])return!1;return!0}function y(e,t){return!!(t.compareDocumentPosition(e)&Node.DOCUMENT_POSITION_PRECEDING)}function v(e){let t;for(let n of e.keys()){if(t){let e=t.compareDocumentPosition(n);if(!(e&Node.DOCUMENT_POSITION_DISCONNECTED)&&e&Node.DOCUMENT_POSITION_PRECEDING)return!1}t=n}return!0}function b(e,t){return e[1].element&&t[1].element?y(e[1].element,t[1].element)?-1:1:0}function k(e){return new MutationObserver(t=>{for(let n of t)if("childList"===n.type)return void e()})}u(h,"at"),u(p,"toSafeIndex"),u(m,"toSafeInteger"),u(function(e){let n=e+"CollectionProvider",[a,c]=(0,r.f)(n),[d,h]=a(n);d.displayName=e+"CollectionStableContextProvider";let[p,m]=a(n);p.displayName=e+"CollectionStatefulContextProvider";let y=u(({state:e,...t})=>e?(0,o.jsx)(S,{...t,state:e}):(0,o.jsx)(x,{...t}),"CollectionProvider");y.displayName=n;let x=u(e=>{let t=R();return(0,o.jsx)(S,{...e,state:t})},"CollectionInit");x.displayName=e+"CollectionInit";let S=u(e=>{let{scope:n,children:r,state:s}=e,l=t.useRef(null),[a,u]=t.useState(null),c=(0,i.f)(l,u),[h,m]=s,g=t.useRef(new f),y=t.useCallback(()=>{let e=g.current;return v(e)||e.sort(b),e},[]);return t.useEffect(()=>{if(!a)return;let e=k(()=>{m(e=>{let t=e.toSorted(b);return t.some(([t],n)=>e.keyAt(n)!==t)?t:e})});return e.observe(a,{childList:!0,subtree:!0}),()=>{e.disconnect()}},[a,m]),(0,o.jsx)(d,{scope:n,collectionElementRef:c,collectionElementRefObject:l,getCollection:y,setCollection:m,registryRef:g,children:(0,o.jsx)(p,{scope:n,collectionElement:a,collection:h,children:r})})},"CollectionProviderImpl");S.displayName=e+"CollectionProviderImpl";let w=e+"CollectionSlot",C=(0,s.f)(w),E=t.forwardRef((e,t)=>{let{scope:n,children:r}=e,s=h(w,n),l=(0,i.f)(t,s.collectionElementRef);return(0,o.jsx)(C,{ref:l,children:r})});E.displayName=w;let T=e+"CollectionItemSlot",I=(0,s.f)(T),N=t.forwardRef((e,n)=>{let{scope:r,children:s,...a}=e,u=t.useRef(null),{setCollection:c,registryRef:d}=h(T,r),p=t.useRef(a);g(p.current,a)||(p.current=a);let m=p.current,y=t.useCallback(e=>{let t=d.current;e?t.set(e,{...p.current,element:e}):u.current&&t.delete(u.current)},[d]),v=(0,i.f)(n,y,u);(0,l.f)(()=>{let e=u.current,t=d.current;e&&t.has(e)&&t.set(e,{...m,element:e})},[m,d]);let k=t.useRef(null);return t.useEffect(()=>{let e=u.current,t=k.current;((t?.element??null)!==e||e&&t?.itemData!==m)&&(k.current=e?{element:e,itemData:m}:null,c(n=>{let r=new f(n);return t&&t.element!==e&&r.delete(t.element),e&&r.set(e,{...m,element:e}),r.sort(b)}))}),t.useEffect(()=>()=>{let e=k.current;k.current=null,e&&c(t=>{if(!t.has(e.element))return t;let n=new f(t);return n.delete(e.element),n})},[c]),(0,o.jsx)(I,{"data-radix-collection-item":"",ref:v,children:s})});function R(){return t.useState(new f)}function O(t){let{collection:n}=m(e+"CollectionConsumer",t);return n}function _(t){let{getCollection:n}=h(e+"CollectionConsumer",t);return n}return N.displayName=T,u(R,"useInitCollection"),u(O,"useCollection"),u(_,"useGetCollection"),[{Provider:y,Slot:E,ItemSlot:N},{createCollectionScope:c,useCollection:O,useGetCollection:_,useInitCollection:R}]},"createCollection"),u(g,"shallowEqual"),u(y,"isElementPreceding"),u(v,"isInDocumentOrder"),u(b,"sortByDocumentPosition"),u(k,"getChildListObserver"),e.s(["f",0,c],75830);var x=e.i(10772),S=e.i(48425),w=e.i(30207),C=e.i(69340),E=Object.defineProperty,T=t.createContext(void 0);function I(e){let n=t.useContext(T);return e||n||"ltr"}E(I,"name",{value:"useDirection",configurable:!0}),e.s(["f",0,I],86318);var N=Object.defineProperty,R=(e,t)=>N(e,"name",{value:t,configurable:!0}),O=!1;function _(){let[e,n]=t.useState(O);return t.useEffect(()=>{O||(O=!0,n(!0))},[]),e}R(_,"useIsHydrated");var j=t[" useSyncExternalStore ".trim().toString()];function A(){return()=>{}}function P(){return j(A,()=>!0,()=>!1)}R(A,"subscribe"),R(P,"useIsHydratedModern");var F="function"==typeof j?P:_,D=Object.defineProperty,$=(e,t)=>D(e,"name",{value:t,configurable:!0}),M="rovingFocusGroup.onEntryFocus",L={bubbles:!1,cancelable:!0},U="RovingFocusGroup",[B,z,K]=c(U),[G,q]=(0,r.f)(U,[K]),[V,H]=G(U),W=t.forwardRef($(function(e,t){return(0,o.jsx)(B.Provider,{scope:e.__scopeRovingFocusGroup,children:(0,o.jsx)(B.Slot,{scope:e.__scopeRovingFocusGroup,children:(0,o.jsx)(X,{...e,ref:t})})})},"RovingFocusGroup")),X=t.forwardRef($(function(e,r){let{__scopeRovingFocusGroup:s,orientation:l,loop:a=!1,dir:u,currentTabStopId:c,defaultCurrentTabStopId:d,onCurrentTabStopIdChange:f,onEntryFocus:h,preventScrollOnEntryFocus:p=!1,...m}=e,g=t.useRef(null),y=(0,i.f)(r,g),v=I(u),[b,k]=(0,C.f)({prop:c,defaultProp:d??null,onChange:f,caller:U}),[x,E]=t.useState(!1),T=(0,w.f)(h),N=z(s),R=t.useRef(!1),[O,_]=t.useState(0);return t.useEffect(()=>{let e=g.current;if(e)return e.addEventListener(M,T),()=>e.removeEventListener(M,T)},[T]),(0,o.jsx)(V,{scope:s,orientation:l,dir:v,loop:a,currentTabStopId:b,onItemFocus:t.useCallback(e=>k(e),[k]),onItemShiftTab:t.useCallback(()=>E(!0),[]),onFocusableItemAdd:t.useCallback(()=>_(e=>e+1),[]),onFocusableItemRemove:t.useCallback(()=>_(e=>e-1),[]),children:(0,o.jsx)(S.V.div,{tabIndex:x||0===O?-1:0,"data-orientation":l,...m,ref:y,style:{outline:"none",...e.style},onMouseDown:(0,n.f)(e.onMouseDown,()=>{R.current=!0}),onFocus:(0,n.f)(e.onFocus,e=>{let t=!R.current;if(e.target===e.currentTarget&&t&&!x){let t=new CustomEvent(M,L);if(e.currentTarget.dispatchEvent(t),!t.defaultPrevented){let e=N().filter(e=>e.focusable);ee([e.find(e=>e.active),e.find(e=>e.id===b),...e].filter(Boolean).map(e=>e.ref.current),p)}}R.current=!1}),onBlur:(0,n.f)(e.onBlur,()=>E(!1))})})},"RovingFocusGroupImpl")),Q=t.forwardRef($(function(e,r){let{__scopeRovingFocusGroup:i,focusable:s=!0,active:a=!1,tabStopId:u,children:c,...d}=e,f=(0,x.f)(),h=u||f,p=H("RovingFocusGroupItem",i),m=p.currentTabStopId===h,g=z(i),{onFocusableItemAdd:y,onFocusableItemRemove:v,currentTabStopId:b}=p,k=F();return(0,l.f)(()=>{if(k&&s)return y(),()=>v()},[k,s,y,v]),t.useEffect(()=>{if(!k&&s)return y(),()=>v()},[k,s,y,v]),(0,o.jsx)(B.ItemSlot,{scope:i,id:h,focusable:s,active:a,children:(0,o.jsx)(S.V.span,{tabIndex:m?0:-1,"data-orientation":p.orientation,...d,ref:r,onMouseDown:(0,n.f)(e.onMouseDown,e=>{s?p.onItemFocus(h):e.preventDefault()}),onFocus:(0,n.f)(e.onFocus,()=>p.onItemFocus(h)),onKeyDown:(0,n.f)(e.onKeyDown,e=>{if("Tab"===e.key&&e.shiftKey)return void p.onItemShiftTab();if(e.target!==e.currentTarget)return;let t=Y(e,p.orientation,p.dir);if(void 0!==t){if(e.metaKey||e.ctrlKey||e.altKey||e.shiftKey)return;e.preventDefault();let n=g().filter(e=>e.focusable).map(e=>e.ref.current);if("last"===t)n.reverse();else if("prev"===t||"next"===t){"prev"===t&&n.reverse();let r=n.indexOf(e.currentTarget);n=p.loop?et(n,r+1):n.slice(r+1)}setTimeout(()=>ee(n))}}),children:"function"==typeof c?c({isCurrentTabStop:m,hasTabStop:null!=b}):c})})},"RovingFocusGroupItem")),J={ArrowLeft:"prev",ArrowUp:"prev",ArrowRight:"next",ArrowDown:"next",PageUp:"first",Home:"first",PageDown:"last",End:"last"};function Z(e,t){return"rtl"!==t?e:"ArrowLeft"===e?"ArrowRight":"ArrowRight"===e?"ArrowLeft":e}function Y(e,t,n){let r=Z(e.key,n);if(!("vertical"===t&&["ArrowLeft","ArrowRight"].includes(r))&&!("horizontal"===t&&["ArrowUp","ArrowDown"].includes(r)))return J[r]}function ee(e,t=!1){let n=document.activeElement;for(let r of e)if(r===n||(r.focus({preventScroll:t}),document.activeElement!==n))return}function et(e,t){return e.map((n,r)=>e[(t+r)%e.length])}$(Z,"getDirectionAwareKey"),$(Y,"getFocusIntent"),$(ee,"focusFirst"),$(et,"wrapArray"),e.s(["M",0,Q,"F",0,W,"B",0,q],42727)},81120,79916,97362,e=>{"use strict";class t extends String{__apiType;value;__meta__;constructor(e,t){super(e),this.value=e,this.__meta__=t}toString(){return this.value}}let n=new t(`
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
    `),i=new t(`
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
    `),o=new t(`
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
    `),l=new t(`
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
    `),a=new t(`
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
    `),c=new t(`
    query SignInOptions($tenant: String!) {
  signInOptions(tenant: $tenant) {
    label
    startUrl
  }
}
    `);async function*d(e,t,{after:r,...i}={}){for await(let{callEvents:s}of e.subscribe(n,{callId:t,after:r??null},i))yield s}new t(`
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
    `),e.s(["w",0,n,"F",0,i,"Q",0,l,"_",0,s,"G",0,u,"v",0,o,"C",0,r,"g",0,c,"T",0,a],79916),e.s(["f",0,d],81120),e.s(["f",0,class{#t;#n=null;#r=null;#i=null;#s=[];#o=new Map;#l=new Set;#a=new Map;#u=new Map;#c=[];#d=null;constructor(e){this.#t=e}snapshot(){return{state:this.#n,node:this.#r,agent:this.#i,turns:[...this.#s,...[...this.#o.values()].map(e=>this.#f(e))],tools:[...this.#a.values()],context:new Map(this.#u),events:this.#c.slice(-this.#t),ended:this.#d}}add(e){if("PartialTranscript"===e.__typename)return this.#h(e);this.#c.push(e),this.#c.length>2*this.#t&&(this.#c=this.#c.slice(-this.#t)),this.#p(e)}#p(e){switch(e.__typename){case"StateChanged":this.#n=e.state;break;case"NodeEntered":this.#r=e.node,this.#i=e.agent;break;case"UserTurn":case"AgentTurn":this.#m(e);break;case"TurnMeasured":this.#g(e);break;case"ToolStarted":case"ToolFinished":this.#y(e);break;case"ContextChanged":e.removed?this.#u.delete(e.path):this.#u.set(e.path,e.value);break;case"CallEnded":this.#n=e.state,this.#d=e,this.#o.clear()}}#h(e){let t=this.#o.get(e.speaker),n=this.#l.has(e.turnId)||t?.turnId===e.turnId&&t.rev>=e.rev;this.#d||n||(e.text?this.#o.set(e.speaker,e):this.#o.delete(e.speaker))}#m(e){let t="UserTurn"===e.__typename?"CALLER":"AGENT";this.#l.add(e.turnId),this.#o.delete(t);let{turnId:n,text:r,at:i}=e,s="AgentTurn"===e.__typename?e:null;this.#s.push({turnId:n,speaker:t,agent:s?.agent??null,text:r,heardText:s?.heardText??null,interrupted:s?.interrupted??!1,partial:!1,at:i,measured:null})}#g(e){let t=this.#s.findLastIndex(({speaker:e})=>"AGENT"===e),n=this.#s[t];n&&(this.#s[t]={...n,measured:e})}#y(e){let{toolCallId:t,tool:n,node:r,at:i}=e,s="ToolFinished"===e.__typename?e:null;this.#a.set(t,{toolCallId:t,tool:n,node:r,arguments:e.arguments,outcome:s?.outcome??null,result:s?.result??null,startedAt:this.#a.get(t)?.startedAt??i,duration:s?.duration??null})}#f({turnId:e,speaker:t,text:n}){let r="AGENT"===t?this.#i:null;return{turnId:e,speaker:t,agent:r,text:n,heardText:null,interrupted:!1,partial:!0,at:null,measured:null}}}],97362)},6174,e=>{"use strict";e.s(["f",0,()=>Array.from(crypto.getRandomValues(new Uint8Array(16)),e=>e.toString(16).padStart(2,"0")).join("")])},89815,e=>{"use strict";e.s(["f",0,class{#v=new Set;#b;constructor(e){this.#b=e}get=()=>this.#b;subscribe=e=>(this.#v.add(e),()=>void this.#v.delete(e));set(e){if(!Object.is(e,this.#b))for(let t of(this.#b=e,[...this.#v]))t()}}])},74667,e=>{"use strict";var t=e.i(71645),n=e.i(81120),r=e.i(97362),i=e.i(79916),s=e.i(6174),o=e.i(89815),l=e.i(13854);class a{#k;#x;#t;#S;#w;#C;#E="CONNECTING";#T=null;#I=0;#N=null;#R;#O;constructor(e,t,n){this.#k=e,this.#x=t,this.#t=n,this.#w=new r.f(n),this.#S=new o.f(this.#_())}get=()=>this.#S.get();subscribe=e=>{let t=this.#S.subscribe(e);return clearTimeout(this.#O),this.#I+=1,this.#N||"COMPLETE"===this.#E||this.#j(),()=>{t(),this.#I-=1,0===this.#I&&(this.#O=setTimeout(()=>this.#A(),1e3))}};send=e=>this.#k.mutate(i.C,{input:{callId:this.#x,text:e,idempotencyKey:(0,s.f)()}});end=()=>this.#k.mutate(i.F,{input:{callId:this.#x,byCaller:!0}});#A(){this.#N?.abort(),this.#N=null}async #j(){let e=this.#N=new AbortController;"FAILED"===this.#E&&(this.#E="CONNECTING"),this.#T=null;let{connection:t}=this.#k,n=t.subscribe(()=>{let e=t.get();"RECONNECTING"===e&&"LIVE"===this.#E&&this.#P("RECONNECTING"),"CONNECTED"===e&&"RECONNECTING"===this.#E&&this.#P("LIVE")});try{await this.#F(e.signal),this.#P("COMPLETE")}catch(t){if(e.signal.aborted)return;this.#T=function(e){if(e instanceof l.X)return e.error;if(e instanceof DOMException)return(0,l.k)("DISCONNECTED",e.message);throw e}(t),this.#P("FAILED")}finally{n(),this.#N===e&&(this.#N=null)}}async #F(e){let t=this.#C;try{for await(let r of(0,n.f)(this.#k,this.#x,t?{after:t,signal:e}:{signal:e}))this.#w.add(r),"cursor"in r&&(this.#C=r.cursor),this.#P("LIVE")}catch(t){if(!(t instanceof l.X)||"CURSOR_EXPIRED"!==t.error.code)throw t;this.#w=new r.f(this.#t),this.#C=void 0,await this.#F(e)}}#P(e){if(this.#E=e,"COMPLETE"===e||"FAILED"===e)return this.#D();this.#R??=setTimeout(()=>this.#D(),80)}#D(){clearTimeout(this.#R),this.#R=void 0,this.#S.set(this.#_())}#_(){return{...this.#w.snapshot(),status:this.#E,error:this.#T}}}let u=(0,t.createContext)(null);function c(){let e=(0,t.useContext)(u);if(!e)throw Error("There is no <StudioProvider> around this component.");return e}function d({get:e,subscribe:n}){return(0,t.useSyncExternalStore)(n,e,e)}e.s(["z",0,function({studio:e,children:n}){return(0,t.createElement)(u.Provider,{value:e},n)},"n",0,function(){return d(c().connection)},"y",0,function(e){let n=c(),r=(0,t.useMemo)(()=>(function(e,t,n={}){return new a(e,t,n.keepEvents??2e4)})(n,e),[n,e]),i=d(r);return(0,t.useMemo)(()=>({...i,send:r.send,end:r.end}),[i,r])},"_",0,d,"S",0,c],74667)},13854,e=>{"use strict";let t=new Set(["UNREACHABLE","TIMEOUT","BAD_RESPONSE","UNAVAILABLE"]),n=(e,t=[],n={})=>({ok:!0,value:e,errors:t,extensions:n}),r=e=>({ok:!1,error:e});function i(e){let[t]=e,{code:n,docs:r,retryAfter:i,missing:s,ref:o}=t?.extensions??{};return{__typename:"RequestError",code:"string"==typeof n?n:"BAD_RESPONSE",message:t?.message??"The response has neither data nor errors.",path:t?.path??[],docs:"string"==typeof r?r:null,retryAfter:"number"==typeof i?i:null,missing:Array.isArray(s)?s.map(String):[],ref:"string"==typeof o?o:null,errors:e}}e.s(["X",0,class extends Error{name="RequestFailed";error;constructor(e){super(`${e.message} (${e.code})`),this.error=e}},"Z",0,t,"k",0,function(e,t){return i([{message:t,extensions:{code:e}}])},"c",0,r,"N",0,function(e){if("object"!=typeof e||null===e)return r(i([]));let{data:t,errors:s,extensions:o}=e;return null==t?r(i(s??[])):s?.length&&Object.entries(t).every(([e,t])=>"__typename"===e||null===t)?r(i(s)):n(t,s,o)},"O",0,i,"i",0,n])},36271,e=>{"use strict";var t;e.s(["Q",0,function(){return t||("u">typeof __webpack_nonce__?__webpack_nonce__:void 0)},"R",0,function(e){t=e}])},22016,(e,t,n)=>{"use strict";Object.defineProperty(n,"__esModule",{value:!0});var r={default:function(){return y},useLinkStatus:function(){return b}};for(var i in r)Object.defineProperty(n,i,{enumerable:!0,get:r[i]});let s=e.r(90809),o=e.r(43476),l=s._(e.r(71645)),a=e.r(95057),u=e.r(8372),c=e.r(18581),d=e.r(18967),f=e.r(5550),h=e.r(88540),p=e.r(91949),m=e.r(73668),g=e.r(9396);function y(t){var n;let r,i,s,[y,b]=(0,l.useOptimistic)(p.IDLE_LINK_STATUS),k=(0,l.useRef)(null),{href:x,as:S,children:w,prefetch:C=null,passHref:E,replace:T,shallow:I,scroll:N,onClick:R,onMouseEnter:O,onTouchStart:_,legacyBehavior:j=!1,onNavigate:A,transitionTypes:P,ref:F,unstable_dynamicOnHover:D,...$}=t;r=w,j&&("string"==typeof r||"number"==typeof r)&&(r=(0,o.jsx)("a",{children:r}));let M=l.default.useContext(u.AppRouterContext),L=!1!==C,U=!1===C?"none":!0===C?"full":"auto",B="none"!==U?"auto"===U?g.FetchStrategy.PPR:g.FetchStrategy.Full:g.FetchStrategy.PPR,z="string"==typeof(n=S||x)?n:(0,a.formatUrl)(n);if(j){if(r?.$$typeof===Symbol.for("react.lazy"))throw Error("`<Link legacyBehavior>` received a direct child that is either a Server Component, or JSX that was loaded with React.lazy(). This is not supported. Either remove legacyBehavior, or make the direct child a Client Component that renders the Link's `<a>` tag.");i=l.default.Children.only(r)}let K=j?i&&"object"==typeof i&&i.ref:F,G,q=l.default.useCallback(e=>(null!==M&&(k.current=(0,p.mountLinkInstance)(e,z,M,B,L,b,G)),()=>{k.current&&((0,p.unmountLinkForCurrentNavigation)(k.current),k.current=null),(0,p.unmountPrefetchableInstance)(e)}),[L,z,M,B,b,G]),V={ref:(0,c.useMergedRef)(q,K),onClick(t){j||"function"!=typeof R||R(t),j&&i.props&&"function"==typeof i.props.onClick&&i.props.onClick(t),!M||t.defaultPrevented||function(t,n,r,i,s,o,l,a="none"){if("u">typeof window){let u,{nodeName:c}=t.currentTarget;if("A"===c.toUpperCase()&&((u=t.currentTarget.getAttribute("target"))&&"_self"!==u||t.metaKey||t.ctrlKey||t.shiftKey||t.altKey||t.nativeEvent&&2===t.nativeEvent.which)||t.currentTarget.hasAttribute("download"))return;if(!(0,m.isLocalURL)(n)){i&&(t.preventDefault(),location.replace(n));return}if(t.preventDefault(),o){let e=!1;if(o({preventDefault:()=>{e=!0}}),e)return}let{navigate:d}=e.r(32916);d(n,i?"replace":"push",!1===s?h.ScrollBehavior.NoScroll:h.ScrollBehavior.Default,r.current,l,a)}}(t,z,k,T,N,A,P,U)},onMouseEnter(e){j||"function"!=typeof O||O(e),j&&i.props&&"function"==typeof i.props.onMouseEnter&&i.props.onMouseEnter(e),M&&L&&(0,p.onNavigationIntent)(e.currentTarget,!0===D)},onTouchStart:function(e){j||"function"!=typeof _||_(e),j&&i.props&&"function"==typeof i.props.onTouchStart&&i.props.onTouchStart(e),M&&L&&(0,p.onNavigationIntent)(e.currentTarget,!0===D)}};return(0,d.isAbsoluteUrl)(z)?V.href=z:j&&!E&&("a"!==i.type||"href"in i.props)||(V.href=(0,f.addBasePath)(z)),s=j?l.default.cloneElement(i,V):(0,o.jsx)("a",{...$,...V,children:r}),(0,o.jsx)(v.Provider,{value:y,children:s})}let v=(0,l.createContext)(p.IDLE_LINK_STATUS),b=()=>(0,l.useContext)(v);("function"==typeof n.default||"object"==typeof n.default&&null!==n.default)&&void 0===n.default.__esModule&&(Object.defineProperty(n.default,"__esModule",{value:!0}),Object.assign(n.default,n),t.exports=n.default)},18581,(e,t,n)=>{"use strict";Object.defineProperty(n,"__esModule",{value:!0}),Object.defineProperty(n,"useMergedRef",{enumerable:!0,get:function(){return i}});let r=e.r(71645);function i(e,t){let n=(0,r.useRef)(null),i=(0,r.useRef)(null);return(0,r.useCallback)(r=>{if(null===r){let e=n.current;e&&(n.current=null,e());let t=i.current;t&&(i.current=null,t())}else e&&(n.current=s(e,r)),t&&(i.current=s(t,r))},[e,t])}function s(e,t){if("function"!=typeof e)return e.current=t,()=>{e.current=null};{let n=e(t);return"function"==typeof n?n:()=>e(null)}}("function"==typeof n.default||"object"==typeof n.default&&null!==n.default)&&void 0===n.default.__esModule&&(Object.defineProperty(n.default,"__esModule",{value:!0}),Object.assign(n.default,n),t.exports=n.default)},95057,(e,t,n)=>{"use strict";Object.defineProperty(n,"__esModule",{value:!0});var r={formatUrl:function(){return l},formatWithValidation:function(){return u},urlObjectKeys:function(){return a}};for(var i in r)Object.defineProperty(n,i,{enumerable:!0,get:r[i]});let s=e.r(90809)._(e.r(98183)),o=/https?|ftp|gopher|file/;function l(e){let{auth:t,hostname:n}=e,r=e.protocol||"",i=e.pathname||"",l=e.hash||"",a=e.query||"",u=!1;t=t?encodeURIComponent(t).replace(/%3A/i,":")+"@":"",e.host?u=t+e.host:n&&(u=t+(~n.indexOf(":")?`[${n}]`:n),e.port&&(u+=":"+e.port)),a&&"object"==typeof a&&(a=String(s.urlQueryToSearchParams(a)));let c=e.search||a&&`?${a}`||"";return r&&!r.endsWith(":")&&(r+=":"),e.slashes||(!r||o.test(r))&&!1!==u?(u="//"+(u||""),i&&"/"!==i[0]&&(i="/"+i)):u||(u=""),l&&"#"!==l[0]&&(l="#"+l),c&&"?"!==c[0]&&(c="?"+c),i=i.replace(/[?#]/g,encodeURIComponent),c=c.replace("#","%23"),`${r}${u}${i}${c}${l}`}let a=["auth","hash","host","hostname","href","path","pathname","port","protocol","query","search","slashes"];function u(e){return l(e)}},73668,(e,t,n)=>{"use strict";Object.defineProperty(n,"__esModule",{value:!0}),Object.defineProperty(n,"isLocalURL",{enumerable:!0,get:function(){return s}});let r=e.r(18967),i=e.r(52817);function s(e){if(!(0,r.isAbsoluteUrl)(e))return!0;try{let t=(0,r.getLocationOrigin)(),n=new URL(e,t);return n.origin===t&&(0,i.hasBasePath)(n.pathname)}catch(e){return!1}}},18967,(e,t,n)=>{"use strict";Object.defineProperty(n,"__esModule",{value:!0});var r={DecodeError:function(){return y},MiddlewareNotFoundError:function(){return x},MissingStaticPage:function(){return k},NormalizeError:function(){return v},PageNotFoundError:function(){return b},SP:function(){return m},ST:function(){return g},WEB_VITALS:function(){return s},execOnce:function(){return o},getDisplayName:function(){return d},getLocationOrigin:function(){return u},getURL:function(){return c},isAbsoluteUrl:function(){return a},isResSent:function(){return f},loadGetInitialProps:function(){return p},normalizeRepeatedSlashes:function(){return h},stringifyError:function(){return S}};for(var i in r)Object.defineProperty(n,i,{enumerable:!0,get:r[i]});let s=["CLS","FCP","INP","LCP","TTFB"];function o(e){let t,n=!1;return(...r)=>(n||(n=!0,t=e(...r)),t)}let l=/^[a-zA-Z][a-zA-Z\d+\-.]*?:/,a=e=>{let t=e.charCodeAt(0);return!!(t>=65&&t<=90||t>=97&&t<=122)&&l.test(e)};function u(){let{protocol:e,hostname:t,port:n}=window.location;return`${e}//${t}${n?":"+n:""}`}function c(){let{href:e}=window.location,t=u();return e.substring(t.length)}function d(e){return"string"==typeof e?e:e.displayName||e.name||"Unknown"}function f(e){return e.finished||e.headersSent}function h(e){let t=e.split("?");return t[0].replace(/\\/g,"/").replace(/\/\/+/g,"/")+(t[1]?`?${t.slice(1).join("?")}`:"")}async function p(e,t){let n=t.res||t.ctx&&t.ctx.res;if(!e.getInitialProps)return t.ctx&&t.Component?{pageProps:await p(t.Component,t.ctx)}:{};let r=await e.getInitialProps(t);if(n&&f(n))return r;if(!r)throw Error(`"${d(e)}.getInitialProps()" should resolve to an object. But found "${r}" instead.`);return r}let m="u">typeof performance,g=m&&["mark","measure","getEntriesByName"].every(e=>"function"==typeof performance[e]);class y extends Error{}class v extends Error{}class b extends Error{constructor(e){super(),this.code="ENOENT",this.name="PageNotFoundError",this.message=`Cannot find module for page: ${e}`}}class k extends Error{constructor(e,t){super(),this.message=`Failed to load static file for page: ${e} ${t}`}}class x extends Error{constructor(){super(),this.code="ENOENT",this.message="Cannot find the middleware module"}}function S(e){return JSON.stringify({message:e.message,stack:e.stack})}},18566,(e,t,n)=>{t.exports=e.r(76562)},68034,e=>{"use strict";e.s(["w",0,function(e,t){let[n,r]=Object.entries(e).find(([e])=>e===t||e.startsWith(`${t}.`))??[];return void 0===n||void 0===r?void 0:{inside:n.slice(t.length+1),message:r}},"u",0,function({message:e,path:t=[],problems:n=t.length?[{message:e,path:t}]:[]}){let r={};for(let e of n){let t=("input"===e.path[0]?e.path.slice(1):e.path).join(".");r[t]=void 0===r[t]?e.message:`${r[t]} ${e.message}`}return r},"S",0,e=>({ok:!1,error:{code:"INVALID_INPUT",message:"Some values are not complete.",problems:Object.entries(e).map(([e,t])=>({path:["input",e],message:t}))}})])},21909,e=>{"use strict";var t=e.i(71645);e.s(["f",0,function(){let e=(0,t.useRef)(!0);return(0,t.useEffect)(()=>(e.current=!0,()=>{e.current=!1}),[]),e}])},10816,44931,e=>{"use strict";var t=e.i(74667),n=e.i(71645),r=e.i(42054),i=e.i(99208),s=e.i(68034),o=e.i(21909);let l={message:"",fields:{},code:""};e.s(["P",0,l,"o",0,function(){let e=(0,t.S)(),a=(0,r.d)(),u=(0,o.f)(),[c,d]=(0,n.useState)(l),[f,h]=(0,n.useState)(!1),p=(0,n.useRef)(!1);return{submit:async function(t,n){if(p.current)return null;p.current=!0,h(!0),d(l);let r=await e.mutate(t,{input:n});if(p.current=!1,h(!1),r.ok)return r.value;if(u.current){var o;let e;d((o=r.error,e=Object.entries((0,s.u)(o)).flatMap(([e,t])=>e?[[e.split(".")[0],t]]:[]),{message:(0,i.A)(o),fields:Object.fromEntries(e),code:o.code}))}else a("bad",(0,i.A)(r.error));return null},isBusy:f,refusal:c}}],10816);var a=e.i(43476),u=e.i(96590),c=e.i(92318);e.s(["q",0,({label:e,isBusy:t,disabled:n=!1,onCancel:r})=>(0,a.jsxs)("div",{className:"flex justify-end gap-2",children:[r&&(0,a.jsx)(u.K,{disabled:t,onClick:r,children:"Cancel"}),(0,a.jsx)(u.K,{type:"submit",kind:"primary",busy:t,disabled:n,children:e})]}),"N",0,function({refusal:e,onSubmit:t,className:r="",children:i}){let s=(0,n.useRef)(null);return(0,n.useEffect)(()=>{e.message&&s.current?.querySelector('[aria-invalid="true"]')?.focus()},[e]),(0,a.jsxs)("form",{ref:s,className:`grid gap-4 ${r}`,onSubmit:e=>{e.preventDefault(),t(new FormData(e.currentTarget))},children:[e.message&&(0,a.jsx)(c.m,{tone:"bad",children:e.message}),i]})}],44931)},47887,77868,e=>{"use strict";var t=e.i(43476),n=e.i(71645),r=e.i(4181);let i={kind:"Document",definitions:[{kind:"OperationDefinition",operation:"query",name:{kind:"Name",value:"Viewer"},selectionSet:{kind:"SelectionSet",selections:[{kind:"Field",name:{kind:"Name",value:"viewer"},selectionSet:{kind:"SelectionSet",selections:[{kind:"Field",name:{kind:"Name",value:"subject"}},{kind:"Field",name:{kind:"Name",value:"scopes"}},{kind:"Field",name:{kind:"Name",value:"person"},selectionSet:{kind:"SelectionSet",selections:[{kind:"Field",name:{kind:"Name",value:"id"}},{kind:"Field",name:{kind:"Name",value:"email"}},{kind:"Field",name:{kind:"Name",value:"name"}}]}},{kind:"Field",name:{kind:"Name",value:"tenant"},selectionSet:{kind:"SelectionSet",selections:[{kind:"Field",name:{kind:"Name",value:"id"}},{kind:"Field",name:{kind:"Name",value:"slug"}},{kind:"Field",name:{kind:"Name",value:"name"}}]}},{kind:"Field",name:{kind:"Name",value:"memberships"},selectionSet:{kind:"SelectionSet",selections:[{kind:"Field",name:{kind:"Name",value:"role"}},{kind:"Field",name:{kind:"Name",value:"tenant"},selectionSet:{kind:"SelectionSet",selections:[{kind:"Field",name:{kind:"Name",value:"id"}},{kind:"Field",name:{kind:"Name",value:"slug"}},{kind:"Field",name:{kind:"Name",value:"name"}}]}}]}}]}}]}}]};e.s(["f",0,i],77868);let s=(0,n.createContext)(null),o=()=>(0,n.useContext)(s);e.s(["K",0,function({fallback:e,children:n}){let[{data:o,error:l}]=(0,r.t)({query:i});return(0,t.jsx)(s,{value:o?.viewer??null,children:o||l?n:e})},"o",0,function(e){let t=o();return null===t||t.scopes.includes(e)},"_",0,o],47887)},67089,e=>{"use strict";var t=e.i(43476),n=e.i(71645);let r=`w-full rounded-md border border-line-strong bg-surface px-3 text-sm text-text
  placeholder:text-muted disabled:opacity-60 aria-invalid:scroll-mb-14 aria-invalid:border-bad`;function i({id:e,label:n,hint:r,problem:s,children:o}){return(0,t.jsxs)("div",{className:"grid content-start gap-1.5",children:[(0,t.jsx)("label",{id:`${e}-label`,htmlFor:e,className:"text-sm font-medium",children:n}),o,r&&(0,t.jsx)("p",{id:`${e}-hint`,className:"text-xs text-muted",children:r}),s&&(0,t.jsx)("p",{id:`${e}-problem`,className:"text-xs text-bad",children:s})]})}let s=(e,{hint:t,problem:n})=>({"aria-describedby":[t&&`${e}-hint`,n&&`${e}-problem`].filter(Boolean).join(" ")||void 0,"aria-invalid":!!n||void 0});e.s(["J",0,function({label:e,hint:o,problem:l,children:a,...u}){let c=(0,n.useId)();return(0,t.jsx)(i,{id:c,label:e,hint:o,problem:l,children:(0,t.jsx)("select",{id:c,...u,...s(c,{label:e,hint:o,problem:l}),className:`${r} h-10`,children:a})})},"N",0,function({label:e,hint:o,problem:l,className:a="",...u}){let c=(0,n.useId)();return(0,t.jsx)(i,{id:c,label:e,hint:o,problem:l,children:(0,t.jsx)("input",{id:c,...u,...s(c,{label:e,hint:o,problem:l}),className:`${r} h-10 ${a}`})})},"f",0,i,"p",0,function({label:e,hint:o,problem:l,className:a="",...u}){let c=(0,n.useId)();return(0,t.jsx)(i,{id:c,label:e,hint:o,problem:l,children:(0,t.jsx)("textarea",{id:c,...u,...s(c,{label:e,hint:o,problem:l}),className:`${r} py-2 ${a}`})})},"P",0,r,"M",0,s])},90087,e=>{"use strict";var t=e.i(43476),n=e.i(22016);e.s(["f",0,e=>(0,t.jsx)(n.default,{...e,prefetch:!1})])},42054,e=>{"use strict";var t=e.i(43476),n=e.i(71645),r=e.i(15834);let i=(0,n.createContext)(()=>{}),s=0;function o({toast:e,onRemove:i}){return(0,n.useEffect)(()=>{let t=setTimeout(()=>i(e.id),6e3);return()=>clearTimeout(t)},[e.id,i]),(0,t.jsxs)("div",{className:"fade-in pointer-events-auto flex max-w-sm items-start gap-2.5 rounded-lg border bg-raised py-2.5 pr-2 pl-3.5 text-sm shadow-large",children:[(0,t.jsx)(r.f,{name:"ok"===e.tone?"check":"warning",className:`mt-0.5 ${"ok"===e.tone?"text-ok":"text-bad"}`}),(0,t.jsx)("span",{className:"min-w-0 py-px",children:e.text}),(0,t.jsx)("button",{type:"button","aria-label":"Dismiss",className:"rounded p-1 text-muted hover:bg-hover",onClick:()=>i(e.id),children:(0,t.jsx)(r.f,{name:"close",width:16,height:16})})]})}e.s(["V",0,function({children:e}){let[r,l]=(0,n.useState)([]),a=(0,n.useCallback)((e,t)=>{l(n=>[...n.slice(-2),{id:++s,tone:e,text:t}])},[]),u=(0,n.useCallback)(e=>l(t=>t.filter(t=>t.id!==e)),[]);return(0,t.jsxs)(i,{value:a,children:[e,(0,t.jsx)("div",{role:"status",className:"pointer-events-none fixed right-4 bottom-4 left-4 z-60 grid justify-items-end gap-2",children:r.map(e=>(0,t.jsx)(o,{toast:e,onRemove:u},e.id))})]})},"d",0,()=>(0,n.useContext)(i)])}]);
