(globalThis.TURBOPACK||(globalThis.TURBOPACK=[])).push(["object"==typeof document?document.currentScript:void 0,81140,e=>{"use strict";var t=Object.defineProperty,n=(e,n)=>t(e,"name",{value:n,configurable:!0}),r=!!("u">typeof window&&window.document&&window.document.createElement);function o(e,t,{checkForDefaultPrevented:r=!0}={}){return n(function(n){if(e?.(n),!1===r||!n||!n.defaultPrevented)return t?.(n)},"handleEvent")}function i(e){if(!r)throw Error("Cannot access document outside of the DOM");return e?.ownerDocument??document}function a(e){return"IFRAME"===e.tagName}n(o,"composeEventHandlers"),n(function(e){if(!r)throw Error("Cannot access window outside of the DOM");return e?.ownerDocument?.defaultView??window},"getOwnerWindow"),n(i,"getOwnerDocument"),n(function e(t,n=!1){let{activeElement:r}=i(t);if(!r?.nodeName)return null;if(a(r)&&r.contentDocument)return e(r.contentDocument.body,n);if(n){let e=r.getAttribute("aria-activedescendant");if(e){let t=i(r).getElementById(e);if(t)return t}}return r},"getActiveElement"),n(a,"isFrame"),e.s(["f",0,o])},5844,e=>{"use strict";e.s(["f",0,!1])},20783,e=>{"use strict";var t=e.i(71645),n=Object.defineProperty,r=(e,t)=>n(e,"name",{value:t,configurable:!0});function o(e,t){if("function"==typeof e)return e(t);null!=e&&(e.current=t)}function i(...e){return t=>{let n=!1,r=e.map(e=>{let r=o(e,t);return n||"function"!=typeof r||(n=!0),r});if(n)return()=>{for(let t=0;t<r.length;t++){let n=r[t];"function"==typeof n?n():o(e[t],null)}}}}function a(...e){return t.useCallback(i(...e),e)}r(o,"setRef"),r(i,"composeRefs"),r(a,"useComposedRefs"),e.s(["f",0,a])},30030,e=>{"use strict";var t=e.i(71645),n=e.i(43476),r=Object.defineProperty,o=(e,t)=>r(e,"name",{value:t,configurable:!0});function i(e,r=[]){let s=[];function u(r,i){let a=t.createContext(i);a.displayName=r+"Context";let u=s.length;s=[...s,i];let l=o(r=>{let{scope:o,children:i,...s}=r,l=o?.[e]?.[u]||a,c=t.useMemo(()=>s,Object.values(s));return(0,n.jsx)(l.Provider,{value:c,children:i})},"Provider");function c(n,o,s={}){let{optional:l=!1}=s,d=o?.[e]?.[u]||a,f=t.useContext(d);if(f)return f;if(void 0!==i)return i;if(!l)throw Error(`\`${n}\` must be used within \`${r}\``)}return l.displayName=r+"Provider",o(c,"useContext"),[l,c]}o(u,"createContext");let l=o(()=>{let n=s.map(e=>t.createContext(e));return o(function(r){let o=r?.[e]||n;return t.useMemo(()=>({[`__scope${e}`]:{...r,[e]:o}}),[r,o])},"useScope")},"createScope");return l.scopeName=e,[u,a(l,...r)]}function a(...e){let n=e[0];if(1===e.length)return n;let r=o(()=>{let r=e.map(e=>({useScope:e(),scopeName:e.scopeName}));return o(function(e){let o=r.reduce((t,{useScope:n,scopeName:r})=>{let o=n(e)[`__scope${r}`];return{...t,...o}},{});return t.useMemo(()=>({[`__scope${n.scopeName}`]:o}),[o])},"useComposedScopes")},"createScope");return r.scopeName=n.scopeName,r}o(function(e,r){let i=t.createContext(r);i.displayName=e+"Context";let a=o(e=>{let{children:r,...o}=e,a=t.useMemo(()=>o,Object.values(o));return(0,n.jsx)(i.Provider,{value:a,children:r})},"Provider");function s(n,o={}){let{optional:a=!1}=o,u=t.useContext(i);if(u)return u;if(void 0!==r)return r;if(!a)throw Error(`\`${n}\` must be used within \`${e}\``)}return a.displayName=e+"Provider",o(s,"useContext"),[a,s]},"createContext"),o(i,"createContextScope"),o(a,"composeContextScopes"),e.s(["f",0,i])},26330,e=>{"use strict";var t,n=e.i(71645),r=e.i(81140),o=e.i(48425),i=e.i(20783),a=e.i(30207),s=e.i(43476),u=Object.defineProperty,l=(e,t)=>u(e,"name",{value:t,configurable:!0}),c="dismissableLayer.update",d=n.createContext({layers:new Set,layersWithOutsidePointerEventsDisabled:new Set,branches:new Set,dismissableSurfaces:new Set}),f=n.forwardRef(l(function(e,u){let{disableOutsidePointerEvents:f=!1,deferPointerDownOutside:p=!1,onEscapeKeyDown:m,onPointerDownOutside:y,onFocusOutside:b,onInteractOutside:E,onDismiss:w,...C}=e,S=n.useContext(d),[T,x]=n.useState(null),I=T?.ownerDocument??globalThis?.document,[,O]=n.useState({}),N=(0,i.f)(u,x),R=Array.from(S.layers),[D]=[...S.layersWithOutsidePointerEventsDisabled].slice(-1),k=D?R.indexOf(D):-1,P=T?R.indexOf(T):-1,A=S.layersWithOutsidePointerEventsDisabled.size>0,_=P>=k,M=n.useRef(!1),L=h(e=>{y?.(e),E?.(e),e.defaultPrevented||w?.()},{ownerDocument:I,deferPointerDownOutside:p,isDeferredPointerDownOutsideRef:M,dismissableSurfaces:S.dismissableSurfaces,shouldHandlePointerDownOutside:n.useCallback(e=>{if(!(e instanceof Node))return!1;let t=[...S.branches].some(t=>t.contains(e));return _&&!t},[S.branches,_])}),j=v(e=>{if(p&&M.current)return;let t=e.target;![...S.branches].some(e=>e.contains(t))&&(b?.(e),E?.(e),e.defaultPrevented||w?.())},I),F=!!T&&P===R.length-1,$=(0,a.f)(e=>{"Escape"===e.key&&(m?.(e),!e.defaultPrevented&&w&&(e.preventDefault(),w()))});return n.useEffect(()=>{if(F)return I.addEventListener("keydown",$,{capture:!0}),()=>I.removeEventListener("keydown",$,{capture:!0})},[I,F,$]),n.useEffect(()=>{if(T)return f&&(0===S.layersWithOutsidePointerEventsDisabled.size&&(t=I.body.style.pointerEvents,I.body.style.pointerEvents="none"),S.layersWithOutsidePointerEventsDisabled.add(T)),S.layers.add(T),g(),()=>{f&&(S.layersWithOutsidePointerEventsDisabled.delete(T),0===S.layersWithOutsidePointerEventsDisabled.size&&(I.body.style.pointerEvents=t))}},[T,I,f,S]),n.useEffect(()=>()=>{T&&(S.layers.delete(T),S.layersWithOutsidePointerEventsDisabled.delete(T),g())},[T,S]),n.useEffect(()=>{let e=l(()=>O({}),"handleUpdate");return document.addEventListener(c,e),()=>document.removeEventListener(c,e)},[]),(0,s.jsx)(o.V.div,{...C,ref:N,style:{pointerEvents:A?_?"auto":"none":void 0,...e.style},onFocusCapture:(0,r.f)(e.onFocusCapture,j.onFocusCapture),onBlurCapture:(0,r.f)(e.onBlurCapture,j.onBlurCapture),onPointerDownCapture:(0,r.f)(e.onPointerDownCapture,L.onPointerDownCapture)})},"DismissableLayer"));function p(){let e=n.useContext(d),[t,r]=n.useState(null);return n.useEffect(()=>{if(t)return e.dismissableSurfaces.add(t),()=>{e.dismissableSurfaces.delete(t)}},[t,e.dismissableSurfaces]),r}l(p,"useDismissableLayerSurface");var m=l(()=>!0,"IS_TRUE");function h(e,t){let{ownerDocument:r=globalThis?.document,deferPointerDownOutside:o=!1,isDeferredPointerDownOutsideRef:i,dismissableSurfaces:s,shouldHandlePointerDownOutside:u=m}=t,c=(0,a.f)(e),d=n.useRef(!1),f=n.useRef(!1),p=n.useRef(new Map),h=n.useRef(()=>{});return n.useEffect(()=>{function e(){f.current=!1,i.current=!1,p.current.clear()}function t(){return Array.from(p.current.values()).some(Boolean)}function n(e){if(!f.current)return;let t=e.target;t instanceof Node&&[...s].some(e=>e.contains(t))||p.current.set(e.type,!0),"click"===e.type&&window.setTimeout(()=>{f.current&&h.current()},0)}function a(e){f.current&&p.current.set(e.type,!1)}l(e,"resetOutsideInteraction"),l(t,"isOutsideInteractionIntercepted"),l(n,"handleInteractionCapture"),l(a,"handleInteractionBubble");let m=l(n=>{if(n.target&&!d.current){let a=function(){r.removeEventListener("click",h.current);let n=t();e(),n||y("dismissableLayer.pointerDownOutside",c,s,{discrete:!0})};if(l(a,"handleAndDispatchPointerDownOutsideEvent"),!u(n.target)){r.removeEventListener("click",h.current),e(),d.current=!1;return}let s={originalEvent:n};f.current=!0,i.current=o&&0===n.button,p.current.clear(),o&&0===n.button?(r.removeEventListener("click",h.current),h.current=a,r.addEventListener("click",h.current,{once:!0})):a()}else r.removeEventListener("click",h.current),e();d.current=!1},"handlePointerDown"),v=["pointerup","mousedown","mouseup","touchstart","touchend","click"];for(let e of v)r.addEventListener(e,n,!0),r.addEventListener(e,a);let g=window.setTimeout(()=>{r.addEventListener("pointerdown",m)},0);return()=>{for(let e of(window.clearTimeout(g),r.removeEventListener("pointerdown",m),r.removeEventListener("click",h.current),v))r.removeEventListener(e,n,!0),r.removeEventListener(e,a)}},[r,c,o,i,s,u]),{onPointerDownCapture:l(()=>d.current=!0,"onPointerDownCapture")}}function v(e,t=globalThis?.document){let r=(0,a.f)(e),o=n.useRef(!1);return n.useEffect(()=>{let e=l(e=>{e.target&&!o.current&&y("dismissableLayer.focusOutside",r,{originalEvent:e},{discrete:!1})},"handleFocus");return t.addEventListener("focusin",e),()=>t.removeEventListener("focusin",e)},[t,r]),{onFocusCapture:l(()=>o.current=!0,"onFocusCapture"),onBlurCapture:l(()=>o.current=!1,"onBlurCapture")}}function g(){let e=new CustomEvent(c);document.dispatchEvent(e)}function y(e,t,n,{discrete:r}){let i=n.originalEvent.target,a=new CustomEvent(e,{bubbles:!1,cancelable:!0,detail:n});t&&i.addEventListener(e,t,{once:!0}),r?(0,o.u)(i,a):i.dispatchEvent(a)}l(h,"usePointerDownOutside"),l(v,"useFocusOutside"),l(g,"dispatchUpdate"),l(y,"handleAndDispatchCustomEvent"),e.s(["V",0,f,"y",0,p])},3536,e=>{"use strict";var t=e.i(71645),n=Object.defineProperty,r=(e,t)=>n(e,"name",{value:t,configurable:!0}),o=0,i=null;function a(){t.useEffect(()=>{i||(i={start:s(),end:s()});let{start:e,end:t}=i;return document.body.firstElementChild!==e&&document.body.insertAdjacentElement("afterbegin",e),document.body.lastElementChild!==t&&document.body.insertAdjacentElement("beforeend",t),o++,()=>{1===o&&(i?.start.remove(),i?.end.remove(),i=null),o=Math.max(0,o-1)}},[])}function s(){let e=document.createElement("span");return e.setAttribute("data-radix-focus-guard",""),e.tabIndex=0,e.style.outline="none",e.style.opacity="0",e.style.position="fixed",e.style.pointerEvents="none",e}r(function(e){return a(),e.children},"FocusGuards"),r(a,"useFocusGuards"),r(s,"createFocusGuard"),e.s(["f",0,a])},65491,e=>{"use strict";var t=e.i(71645),n=e.i(20783),r=e.i(48425),o=e.i(30207),i=e.i(43476),a=Object.defineProperty,s=(e,t)=>a(e,"name",{value:t,configurable:!0}),u="focusScope.autoFocusOnMount",l="focusScope.autoFocusOnUnmount",c={bubbles:!1,cancelable:!0},d=t.forwardRef(s(function(e,a){let{loop:d=!1,trapped:f=!1,branches:p,onMountAutoFocus:m,onUnmountAutoFocus:h,...b}=e,[E,w]=t.useState(null),T=(0,o.f)(m),x=(0,o.f)(h),O=t.useRef(null),N=(0,n.f)(a,w),R=t.useRef(p);t.useEffect(()=>{R.current=p});let D=t.useCallback(e=>!!e&&(!!E?.contains(e)||!!R.current?.some(t=>t.contains(e))),[E]),k=t.useRef({paused:!1,pause(){this.paused=!0},resume(){this.paused=!1}}).current;t.useEffect(()=>{if(f){let e=function(e){if(k.paused||!E)return;let t=e.target;D(t)?O.current=t:C(O.current,{select:!0})},t=function(e){if(k.paused||!E)return;let t=e.relatedTarget;null!==t&&(D(t)||C(O.current,{select:!0}))},n=function(e){if(document.activeElement===document.body)for(let t of e)t.removedNodes.length>0&&C(E)};s(e,"handleFocusIn"),s(t,"handleFocusOut"),s(n,"handleMutations"),document.addEventListener("focusin",e),document.addEventListener("focusout",t);let r=new MutationObserver(n);return E&&r.observe(E,{childList:!0,subtree:!0}),()=>{document.removeEventListener("focusin",e),document.removeEventListener("focusout",t),r.disconnect()}}},[f,E,k.paused,D]),t.useEffect(()=>{if(E){S.add(k);let e=document.activeElement;if(!E.contains(e)){let t=new CustomEvent(u,c);E.addEventListener(u,T),E.dispatchEvent(t),t.defaultPrevented||(v(I(y(E)),{select:!0}),document.activeElement===e&&C(E))}return()=>{E.removeEventListener(u,T);let t=E.ownerDocument,n=CustomEvent;setTimeout(()=>{let r=new n(l,c);E.addEventListener(l,x),E.dispatchEvent(r),r.defaultPrevented||C(e??t.body,{select:!0}),E.removeEventListener(l,x),S.remove(k)},0)}}},[E,T,x,k]);let P=t.useCallback(e=>{if(!d&&!f||k.paused)return;let t="Tab"===e.key&&!e.altKey&&!e.ctrlKey&&!e.metaKey,n=document.activeElement;if(t&&n){let t=e.currentTarget,[r,o]=g(t);r&&o?e.shiftKey||n!==o?e.shiftKey&&n===r&&(e.preventDefault(),d&&C(o,{select:!0})):(e.preventDefault(),d&&C(r,{select:!0})):n===t&&e.preventDefault()}},[d,f,k.paused]);return(0,i.jsx)(r.V.div,{tabIndex:-1,...b,ref:N,onKeyDown:P})},"FocusScope")),f=t.createContext(null);function p({registry:e,children:t}){return e?(0,i.jsx)(f.Provider,{value:e,children:t}):t}function m(){let[e,n]=t.useState([]);return{nodes:e,registry:t.useMemo(()=>({add:s(e=>n(t=>t.includes(e)?t:[...t,e]),"add"),remove:s(e=>n(t=>t.filter(t=>t!==e)),"remove")}),[])}}function h(e){let n=t.useContext(f);t.useEffect(()=>{if(e&&n)return n.add(e),()=>n.remove(e)},[e,n])}function v(e,{select:t=!1}={}){let n=document.activeElement;for(let r of e)if(C(r,{select:t}),document.activeElement!==n)return}function g(e){let t=y(e);return[b(t,e),b(t.reverse(),e)]}function y(e){let t=[],n=e.ownerDocument.createTreeWalker(e,NodeFilter.SHOW_ELEMENT,{acceptNode:s(e=>{let t="INPUT"===e.tagName&&"hidden"===e.type;return e.disabled||e.hidden||t?NodeFilter.FILTER_SKIP:e.tabIndex>=0?NodeFilter.FILTER_ACCEPT:NodeFilter.FILTER_SKIP},"acceptNode")});for(;n.nextNode();)t.push(n.currentNode);return t}function b(e,t){let n="function"==typeof t.checkVisibility&&t.checkVisibility({checkVisibilityCSS:!0});for(let r of e)if(!(n?!r.checkVisibility({checkVisibilityCSS:!0}):E(r,{upTo:t})))return r}function E(e,{upTo:t}){if("hidden"===getComputedStyle(e).visibility)return!0;for(;e&&(void 0===t||e!==t);){if("none"===getComputedStyle(e).display)return!0;e=e.parentElement}return!1}function w(e){return"INPUT"===e.tagName&&"function"==typeof e.select}function C(e,{select:t=!1}={}){if(e&&e.focus){let n=(e.ownerDocument??document).activeElement;e.focus({preventScroll:!0}),e!==n&&w(e)&&t&&e.select()}}s(p,"FocusScopeBranchProvider"),s(m,"useFocusScopeBranchRegistry"),s(h,"useFocusScopeBranch"),s(v,"focusFirst"),s(g,"getTabbableEdges"),s(y,"getTabbableCandidates"),s(b,"findVisible"),s(E,"isHidden"),s(w,"isSelectableInput"),s(C,"focus");var S=T();function T(){let e=[];return{add(t){let n=e[0];t!==n&&n?.pause(),(e=x(e,t)).unshift(t)},remove(t){e=x(e,t),e[0]?.resume()}}}function x(e,t){let n=[...e],r=n.indexOf(t);return -1!==r&&n.splice(r,1),n}function I(e){return e.filter(e=>"A"!==e.tagName)}s(T,"createFocusScopesStack"),s(x,"arrayRemove"),s(I,"removeLinks"),e.s(["v",0,d,"l",0,p,"i",0,h,"D",0,m])},10772,e=>{"use strict";var t=e.i(71645),n=e.i(34620),r=Object.defineProperty,o=t[" useId ".trim().toString()]||(()=>void 0),i=0;function a(e){let[r,a]=t.useState(o());return(0,n.f)(()=>{e||a(e=>e??String(i++))},[e]),e||(r?`radix-${r}`:"")}r(a,"name",{value:"useId",configurable:!0}),e.s(["f",0,a])},74606,e=>{"use strict";var t=e.i(71645),n=e.i(74080),r=e.i(48425),o=e.i(34620),i=e.i(43476),a=Object.defineProperty,s=t.forwardRef(a(function(e,a){let{container:s,...u}=e,[l,c]=t.useState(!1);(0,o.f)(()=>c(!0),[]);let d=s||l&&globalThis?.document?.body;return d?n.createPortal((0,i.jsx)(r.V.div,{...u,ref:a}),d):null},"name",{value:"Portal",configurable:!0}));e.s(["f",0,s])},96626,e=>{"use strict";var t=e.i(71645),n=e.i(34620),r=Object.defineProperty,o=(e,t)=>r(e,"name",{value:t,configurable:!0});function i(e,n){return t.useReducer((e,t)=>n[e][t]??e,e)}o(i,"useStateMachine");var a=o(e=>{let{present:n,children:r}=e,o=s(n),i="function"==typeof r?r({present:o.isPresent}):t.Children.only(r),a=l(o.ref,d(i));return"function"==typeof r||o.isPresent?t.cloneElement(i,{ref:a}):null},"Presence");function s(e){let[r,a]=t.useState(),s=t.useRef(null),u=t.useRef(e),l=t.useRef("none"),d=t.useRef(void 0),[f,p]=i(e?"mounted":"unmounted",{mounted:{UNMOUNT:"unmounted",ANIMATION_OUT:"unmountSuspended"},unmountSuspended:{MOUNT:"mounted",ANIMATION_END:"unmounted"},unmounted:{MOUNT:"mounted"}});return t.useEffect(()=>{"mounted"===f?(l.current=d.current??c(s.current),d.current=void 0):l.current="none"},[f]),(0,n.f)(()=>{let t=s.current,n=u.current;if(n!==e){let r=l.current,o=c(t);e?(d.current=o,p("MOUNT")):"none"===o||t?.display==="none"?p("UNMOUNT"):n&&r!==o?p("ANIMATION_OUT"):p("UNMOUNT"),u.current=e}},[e,p]),(0,n.f)(()=>{if(r){let e,t=r.ownerDocument.defaultView??window,n=o(n=>{let o=c(s.current).includes(CSS.escape(n.animationName));if(n.target===r&&o&&(p("ANIMATION_END"),!u.current)){let n=r.style.animationFillMode;r.style.animationFillMode="forwards",e=t.setTimeout(()=>{"forwards"===r.style.animationFillMode&&(r.style.animationFillMode=n)})}},"handleAnimationEnd"),i=o(e=>{e.target===r&&(l.current=c(s.current))},"handleAnimationStart");return r.addEventListener("animationstart",i),r.addEventListener("animationcancel",n),r.addEventListener("animationend",n),()=>{t.clearTimeout(e),r.removeEventListener("animationstart",i),r.removeEventListener("animationcancel",n),r.removeEventListener("animationend",n)}}p("ANIMATION_END")},[r,p]),{isPresent:["mounted","unmountSuspended"].includes(f),ref:t.useCallback(e=>{if(e){let t=getComputedStyle(e);s.current=t,d.current=c(t)}else s.current=null;a(e)},[])}}function u(e,t){if("function"==typeof e)return e(t);null!=e&&(e.current=t)}function l(...e){let n=t.useRef(e);return n.current=e,t.useCallback(e=>{let t=n.current,r=!1,o=t.map(t=>{let n=u(t,e);return r||"function"!=typeof n||(r=!0),n});if(r)return()=>{for(let e=0;e<o.length;e++){let n=o[e];"function"==typeof n?n():u(t[e],null)}}},[])}function c(e){return e?.animationName||"none"}function d(e){let t=Object.getOwnPropertyDescriptor(e.props,"ref")?.get,n=t&&"isReactWarning"in t&&t.isReactWarning;return n?e.ref:(n=(t=Object.getOwnPropertyDescriptor(e,"ref")?.get)&&"isReactWarning"in t&&t.isReactWarning)?e.props.ref:e.props.ref||e.ref}o(s,"usePresence"),o(u,"setRef"),o(l,"useStableComposedRefs"),o(c,"getAnimationName"),o(d,"getElementRef"),e.s(["f",0,a])},48425,30207,e=>{"use strict";var t=e.i(71645),n=e.i(74080),r=e.i(91918),o=e.i(43476),i=Object.defineProperty,a=["a","button","div","form","h2","h3","img","input","label","li","nav","ol","p","select","span","svg","ul"].reduce((e,n)=>{let i=(0,r.f)(`Primitive.${n}`),a=t.forwardRef((e,t)=>{let{asChild:r,...a}=e;return"u">typeof window&&(window[Symbol.for("radix-ui")]=!0),(0,o.jsx)(r?i:n,{...a,ref:t})});return a.displayName=`Primitive.${n}`,{...e,[n]:a}},{});function s(e,t){e&&n.flushSync(()=>e.dispatchEvent(t))}i(s,"name",{value:"dispatchDiscreteCustomEvent",configurable:!0}),e.s(["V",0,a,"u",0,s],48425);var u=e.i(34620),l=Object.defineProperty,c=t[" useInsertionEffect ".trim().toString()];function d(e){let n=t.useRef(e);return"function"==typeof c?c(()=>{n.current=e}):(0,u.f)(()=>{n.current=e}),t.useMemo(()=>(...e)=>n.current?.(...e),[])}l(d,"name",{value:"useCallbackRef",configurable:!0}),e.s(["f",0,d],30207)},91918,e=>{"use strict";var t=e.i(71645),n=e.i(20783),r=Object.defineProperty,o=(e,t)=>r(e,"name",{value:t,configurable:!0});function i(e){let r=t.forwardRef((r,o)=>{let{children:i,...a}=r,d=null,p=!1,h=[];i=m(i),t.Children.forEach(i,e=>{if(c(e)){p=!0;let t="child"in e.props?e.props.child:e.props.children;for(;f(t)&&"function"==typeof y;)t=y(t._payload);d=s(e,t),h.push(d?.props?.children)}else h.push(e)}),d?d=t.cloneElement(d,void 0,h):!p&&1===t.Children.count(i)&&t.isValidElement(i)&&(d=i);let b=d?l(d):void 0,E=(0,n.f)(o,b);if(!d){if(i||0===i)throw Error(p?g(e):v(e));return i}let w=u(a,d.props??{});return d.type!==t.Fragment&&(w.ref=o?E:b),t.cloneElement(d,w)});return r.displayName=`${e}.Slot`,r}o(i,"createSlot");var a=Symbol.for("radix.slottable");o(function(e){let t=o(e=>"child"in e?e.children(e.child):e.children,"Slottable");return t.displayName=`${e}.Slottable`,t.__radixId=a,t},"createSlottable");var s=o((e,n)=>"child"in e.props?t.isValidElement(n)?t.cloneElement(n,void 0,e.props.children(n.props.children)):null:t.isValidElement(n)?n:null,"getSlottableElementFromSlottable");function u(e,t){let n={...t};for(let r in t){let o=e[r],i=t[r];/^on[A-Z]/.test(r)?o&&i?n[r]=(...e)=>{let t=i(...e);return o(...e),t}:o&&(n[r]=o):"style"===r?n[r]={...o,...i}:"className"===r?n[r]=[o,i].filter(Boolean).join(" "):"aria-describedby"===r&&(n[r]=h(i,o))}return{...e,...n}}function l(e){let t=Object.getOwnPropertyDescriptor(e.props,"ref")?.get,n=t&&"isReactWarning"in t&&t.isReactWarning;return n?e.ref:(n=(t=Object.getOwnPropertyDescriptor(e,"ref")?.get)&&"isReactWarning"in t&&t.isReactWarning)?e.props.ref:e.props.ref||e.ref}function c(e){return t.isValidElement(e)&&"function"==typeof e.type&&"__radixId"in e.type&&e.type.__radixId===a}o(u,"mergeProps"),o(l,"getElementRef"),o(c,"isSlottable");var d=Symbol.for("react.lazy");function f(e){return null!=e&&"object"==typeof e&&"$$typeof"in e&&e.$$typeof===d&&"_payload"in e&&p(e._payload)}function p(e){return"object"==typeof e&&null!==e&&"then"in e}function m(e){let t=e;for(;f(t)&&"function"==typeof y;)t=y(t._payload);return t}function h(...e){let t=new Set;for(let n of e)if("string"==typeof n)for(let e of String(n).trim().split(/\s+/))e&&t.add(e);return t.size>0?Array.from(t).join(" "):void 0}o(f,"isLazyComponent"),o(p,"isPromiseLike"),o(m,"useUnwrappedLazy"),o(h,"concatAriaDescribedby");var v=o(e=>`${e} failed to slot onto its children. Expected a single React element child or \`Slottable\`.`,"createSlotError"),g=o(e=>`${e} failed to slot onto its \`Slottable\`. Expected \`Slottable\` to receive a single React element child.`,"createSlottableError"),y=t[" use ".trim().toString()];e.s(["f",0,i])},69340,e=>{"use strict";var t=e.i(71645),n=e.i(5844),r=e.i(34620),o=Object.defineProperty,i=t[" useEffectEvent ".trim().toString()],a=t[" useInsertionEffect ".trim().toString()];function s(e){if("function"==typeof i)return i(e);let n=t.useRef(()=>{throw Error("Cannot call an event handler while rendering.")});return"function"==typeof a?a(()=>{n.current=e}):(0,r.f)(()=>{n.current=e}),t.useMemo(()=>(...e)=>n.current?.(...e),[])}o(s,"name",{value:"useEffectEvent",configurable:!0});var u=Object.defineProperty,l=(e,t)=>u(e,"name",{value:t,configurable:!0}),c=t[" useInsertionEffect ".trim().toString()]||r.f;function d({prop:e,defaultProp:r,onChange:o=l(()=>{},"onChange"),caller:i}){let[a,s,u]=f({defaultProp:r,onChange:o}),c=void 0!==e,m=c?e:a;if(n.f){let n=t.useRef(void 0!==e);t.useEffect(()=>{let e=n.current;if(e!==c){let t=c?"controlled":"uncontrolled";console.warn(`${i} is changing from ${e?"controlled":"uncontrolled"} to ${t}. Components should not switch from controlled to uncontrolled (or vice versa). Decide between using a controlled or uncontrolled value for the lifetime of the component.`)}n.current=c},[c,i])}return[m,t.useCallback(t=>{if(c){let n=p(t)?t(e):t;n!==e&&u.current?.(n)}else s(t)},[c,e,s,u])]}function f({defaultProp:e,onChange:n}){let[r,o]=t.useState(e),i=t.useRef(r),a=t.useRef(n);return c(()=>{a.current=n},[n]),t.useEffect(()=>{i.current!==r&&(a.current?.(r),i.current=r)},[r,i]),[r,o,a]}function p(e){return"function"==typeof e}l(d,"useControllableState"),l(f,"useUncontrolledState"),l(p,"isFunction");var m=Symbol("RADIX:SYNC_STATE");l(function(e,r,o,i){let{prop:a,defaultProp:u,onChange:l,caller:c}=r,d=void 0!==a,f=s(l);if(n.f){let e=t.useRef(void 0!==a);t.useEffect(()=>{let t=e.current;if(t!==d){let e=d?"controlled":"uncontrolled";console.warn(`${c} is changing from ${t?"controlled":"uncontrolled"} to ${e}. Components should not switch from controlled to uncontrolled (or vice versa). Decide between using a controlled or uncontrolled value for the lifetime of the component.`)}e.current=d},[d,c])}let p=[{...o,state:u}];i&&p.push(i);let[h,v]=t.useReducer((t,n)=>{if(n.type===m)return{...t,state:n.state};let r=e(t,n);return d&&!Object.is(r.state,t.state)&&f(r.state),r},...p),g=h.state,y=t.useRef(g);t.useEffect(()=>{y.current!==g&&(y.current=g,d||f(g))},[g,y,d]);let b=t.useMemo(()=>void 0!==a?{...h,state:a}:h,[h,a]);return t.useEffect(()=>{d&&!Object.is(a,h.state)&&v({type:m,state:a})},[a,h.state,d]),[b,v]},"useControllableStateReducer"),e.s(["f",0,d],69340)},34620,e=>{"use strict";var t=e.i(71645),n=globalThis?.document?t.useLayoutEffect:()=>{};e.s(["f",0,n])},74667,79916,89815,13854,e=>{"use strict";var t=e.i(71645);class n extends String{__apiType;value;__meta__;constructor(e,t){super(e),this.value=e,this.__meta__=t}toString(){return this.value}}let r=new n(`
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
    `),o=new n(`
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
    `),i=new n(`
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
    `),a=new n(`
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
    `),s=new n(`
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
    `),u=new n(`
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
    `),l=new n(`
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
    `),c=new n(`
    mutation Logout($input: SessionInput!) {
  logout(input: $input) {
    done
  }
}
    `),d=new n(`
    query SignInOptions($tenant: String!) {
  signInOptions(tenant: $tenant) {
    label
    startUrl
  }
}
    `);async function*f(e,t,{after:n,...o}={}){for await(let{callEvents:i}of e.subscribe(r,{callId:t,after:n??null},o))yield i}new n(`
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
    `),new n(`
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
    `),e.s(["w",0,r,"F",0,i,"Q",0,u,"_",0,a,"G",0,c,"v",0,s,"C",0,o,"g",0,d,"T",0,l],79916);class p{#e;#t=null;#n=null;#r=null;#o=[];#i=new Map;#a=new Set;#s=new Map;#u=new Map;#l=[];#c=null;constructor(e){this.#e=e}snapshot(){return{state:this.#t,node:this.#n,agent:this.#r,turns:[...this.#o,...[...this.#i.values()].map(e=>this.#d(e))],tools:[...this.#s.values()],context:new Map(this.#u),events:this.#l.slice(-this.#e),ended:this.#c}}add(e){if("PartialTranscript"===e.__typename)return this.#f(e);this.#l.push(e),this.#l.length>2*this.#e&&(this.#l=this.#l.slice(-this.#e)),this.#p(e)}#p(e){switch(e.__typename){case"StateChanged":this.#t=e.state;break;case"NodeEntered":this.#n=e.node,this.#r=e.agent;break;case"UserTurn":case"AgentTurn":this.#m(e);break;case"TurnMeasured":this.#h(e);break;case"ToolStarted":case"ToolFinished":this.#v(e);break;case"ContextChanged":e.removed?this.#u.delete(e.path):this.#u.set(e.path,e.value);break;case"CallEnded":this.#t=e.state,this.#c=e,this.#i.clear()}}#f(e){let t=this.#i.get(e.speaker),n=this.#a.has(e.turnId)||t?.turnId===e.turnId&&t.rev>=e.rev;this.#c||n||(e.text?this.#i.set(e.speaker,e):this.#i.delete(e.speaker))}#m(e){let t="UserTurn"===e.__typename?"CALLER":"AGENT";this.#a.add(e.turnId),this.#i.delete(t);let{turnId:n,text:r,at:o}=e,i="AgentTurn"===e.__typename?e:null;this.#o.push({turnId:n,speaker:t,agent:i?.agent??null,text:r,heardText:i?.heardText??null,interrupted:i?.interrupted??!1,partial:!1,at:o,measured:null})}#h(e){let t=this.#o.findLastIndex(({speaker:e})=>"AGENT"===e),n=this.#o[t];n&&(this.#o[t]={...n,measured:e})}#v(e){let{toolCallId:t,tool:n,node:r,at:o}=e,i="ToolFinished"===e.__typename?e:null;this.#s.set(t,{toolCallId:t,tool:n,node:r,arguments:e.arguments,outcome:i?.outcome??null,result:i?.result??null,startedAt:this.#s.get(t)?.startedAt??o,duration:i?.duration??null})}#d({turnId:e,speaker:t,text:n}){let r="AGENT"===t?this.#r:null;return{turnId:e,speaker:t,agent:r,text:n,heardText:null,interrupted:!1,partial:!0,at:null,measured:null}}}class m{#g=new Set;#y;constructor(e){this.#y=e}get=()=>this.#y;subscribe=e=>(this.#g.add(e),()=>void this.#g.delete(e));set(e){if(!Object.is(e,this.#y))for(let t of(this.#y=e,[...this.#g]))t()}}e.s(["f",0,m],89815);class h extends Error{name="RequestFailed";error;constructor(e){super(`${e.message} (${e.code})`),this.error=e}}let v=(e,t=[],n={})=>({ok:!0,value:e,errors:t,extensions:n}),g=e=>({ok:!1,error:e});function y(e,t){return b([{message:t,extensions:{code:e}}])}function b(e){let[t]=e,{code:n,docs:r,retryAfter:o,missing:i,ref:a}=t?.extensions??{};return{__typename:"RequestError",code:"string"==typeof n?n:"BAD_RESPONSE",message:t?.message??"The response has neither data nor errors.",path:t?.path??[],docs:"string"==typeof r?r:null,retryAfter:"number"==typeof o?o:null,missing:Array.isArray(i)?i.map(String):[],ref:"string"==typeof a?a:null,errors:e}}e.s(["X",0,h,"k",0,y,"c",0,g,"N",0,function(e){if("object"!=typeof e||null===e)return g(b([]));let{data:t,errors:n,extensions:r}=e;return null==t?g(b(n??[])):n?.length&&Object.entries(t).every(([e,t])=>"__typename"===e||null===t)?g(b(n)):v(t,n,r)},"O",0,b,"i",0,v],13854);class E{#b;#E;#e;#w;#C;#S;#T="CONNECTING";#x=null;#I=0;#O=null;#N;#R;constructor(e,t,n){this.#b=e,this.#E=t,this.#e=n,this.#C=new p(n),this.#w=new m(this.#D())}get=()=>this.#w.get();subscribe=e=>{let t=this.#w.subscribe(e);return clearTimeout(this.#R),this.#I+=1,this.#O||"COMPLETE"===this.#T||this.#k(),()=>{t(),this.#I-=1,0===this.#I&&(this.#R=setTimeout(()=>this.#P(),1e3))}};send=e=>this.#b.mutate(o,{input:{callId:this.#E,text:e,idempotencyKey:crypto.randomUUID()}});end=()=>this.#b.mutate(i,{input:{callId:this.#E,byCaller:!0}});#P(){this.#O?.abort(),this.#O=null}async #k(){let e=this.#O=new AbortController;"FAILED"===this.#T&&(this.#T="CONNECTING"),this.#x=null;let{connection:t}=this.#b,n=t.subscribe(()=>{let e=t.get();"RECONNECTING"===e&&"LIVE"===this.#T&&this.#A("RECONNECTING"),"CONNECTED"===e&&"RECONNECTING"===this.#T&&this.#A("LIVE")});try{await this.#_(e.signal),this.#A("COMPLETE")}catch(t){if(e.signal.aborted)return;this.#x=function(e){if(e instanceof h)return e.error;if(e instanceof DOMException)return y("DISCONNECTED",e.message);throw e}(t),this.#A("FAILED")}finally{n(),this.#O===e&&(this.#O=null)}}async #_(e){let t=this.#S;try{for await(let n of f(this.#b,this.#E,t?{after:t,signal:e}:{signal:e}))this.#C.add(n),"cursor"in n&&(this.#S=n.cursor),this.#A("LIVE")}catch(t){if(!(t instanceof h)||"CURSOR_EXPIRED"!==t.error.code)throw t;this.#C=new p(this.#e),this.#S=void 0,await this.#_(e)}}#A(e){if(this.#T=e,"COMPLETE"===e||"FAILED"===e)return this.#M();this.#N??=setTimeout(()=>this.#M(),80)}#M(){clearTimeout(this.#N),this.#N=void 0,this.#w.set(this.#D())}#D(){return{...this.#C.snapshot(),status:this.#T,error:this.#x}}}let w=(0,t.createContext)(null);function C(){let e=(0,t.useContext)(w);if(!e)throw Error("There is no <StudioProvider> around this component.");return e}function S({get:e,subscribe:n}){return(0,t.useSyncExternalStore)(n,e,e)}e.s(["z",0,function({studio:e,children:n}){return(0,t.createElement)(w.Provider,{value:e},n)},"n",0,function(){return S(C().connection)},"y",0,function(e){let n=C(),r=(0,t.useMemo)(()=>(function(e,t,n={}){return new E(e,t,n.keepEvents??2e4)})(n,e),[n,e]),o=S(r);return(0,t.useMemo)(()=>({...o,send:r.send,end:r.end}),[o,r])},"S",0,C],74667)},86312,e=>{"use strict";var t=new WeakMap,n=new WeakMap,r={},o=0,i=function(e){return e&&(e.host||i(e.parentNode))},a=function(e,a,s,u){var l=(Array.isArray(e)?e:[e]).map(function(e){if(a.contains(e))return e;var t=i(e);return t&&a.contains(t)?t:(console.error("aria-hidden",e,"in not contained inside",a,". Doing nothing"),null)}).filter(function(e){return!!e});r[s]||(r[s]=new WeakMap);var c=r[s],d=[],f=new Set,p=new Set(l),m=function(e){!e||f.has(e)||(f.add(e),m(e.parentNode))};l.forEach(m);var h=function(e){!e||p.has(e)||Array.prototype.forEach.call(e.children,function(e){if(f.has(e))h(e);else try{var r=e.getAttribute(u),o=null!==r&&"false"!==r,i=(t.get(e)||0)+1,a=(c.get(e)||0)+1;t.set(e,i),c.set(e,a),d.push(e),1===i&&o&&n.set(e,!0),1===a&&e.setAttribute(s,"true"),o||e.setAttribute(u,"true")}catch(t){console.error("aria-hidden: cannot operate on ",e,t)}})};return h(a),f.clear(),o++,function(){d.forEach(function(e){var r=t.get(e)-1,o=c.get(e)-1;t.set(e,r),c.set(e,o),r||(n.has(e)||e.removeAttribute(u),n.delete(e)),o||e.removeAttribute(s)}),--o||(t=new WeakMap,t=new WeakMap,n=new WeakMap,r={})}};e.s(["f",0,function(e,t,n){void 0===n&&(n="data-aria-hidden");var r=Array.from(Array.isArray(e)?e:[e]),o=t||("u"<typeof document?null:(Array.isArray(e)?e[0]:e).ownerDocument.body);return o?(r.push.apply(r,Array.from(o.querySelectorAll("[aria-live], script"))),a(r,o,n,"aria-hidden")):function(){return null}}])},85369,36271,e=>{"use strict";var t,n,r,o,i,a,s,u=function(){return(u=Object.assign||function(e){for(var t,n=1,r=arguments.length;n<r;n++)for(var o in t=arguments[n])Object.prototype.hasOwnProperty.call(t,o)&&(e[o]=t[o]);return e}).apply(this,arguments)};function l(e,t){var n={};for(var r in e)Object.prototype.hasOwnProperty.call(e,r)&&0>t.indexOf(r)&&(n[r]=e[r]);if(null!=e&&"function"==typeof Object.getOwnPropertySymbols)for(var o=0,r=Object.getOwnPropertySymbols(e);o<r.length;o++)0>t.indexOf(r[o])&&Object.prototype.propertyIsEnumerable.call(e,r[o])&&(n[r[o]]=e[r[o]]);return n}var c=("function"==typeof SuppressedError&&SuppressedError,e.i(71645)),d="right-scroll-bar-position",f="width-before-scroll-bar";function p(e,t){return"function"==typeof e?e(t):e&&(e.current=t),e}var m="u">typeof window?c.useLayoutEffect:c.useEffect,h=new WeakMap,v=(void 0===t&&(t={}),(void 0===n&&(n=function(e){return e}),r=[],o=!1,i={read:function(){if(o)throw Error("Sidecar: could not `read` from an `assigned` medium. `read` could be used only with `useMedium`.");return r.length?r[r.length-1]:null},useMedium:function(e){var t=n(e,o);return r.push(t),function(){r=r.filter(function(e){return e!==t})}},assignSyncMedium:function(e){for(o=!0;r.length;){var t=r;r=[],t.forEach(e)}r={push:function(t){return e(t)},filter:function(){return r}}},assignMedium:function(e){o=!0;var t=[];if(r.length){var n=r;r=[],n.forEach(e),t=r}var i=function(){var n=t;t=[],n.forEach(e)},a=function(){return Promise.resolve().then(i)};a(),r={push:function(e){t.push(e),a()},filter:function(e){return t=t.filter(e),r}}}}).options=u({async:!0,ssr:!1},t),i),g=function(){},y=c.forwardRef(function(e,t){var n,r,o,i,a=c.useRef(null),s=c.useState({onScrollCapture:g,onWheelCapture:g,onTouchMoveCapture:g}),d=s[0],f=s[1],y=e.forwardProps,b=e.children,E=e.className,w=e.removeScrollBar,C=e.enabled,S=e.shards,T=e.sideCar,x=e.noRelative,I=e.noIsolation,O=e.inert,N=e.allowPinchZoom,R=e.as,D=e.gapMode,k=l(e,["forwardProps","children","className","removeScrollBar","enabled","shards","sideCar","noRelative","noIsolation","inert","allowPinchZoom","as","gapMode"]),P=(n=[a,t],r=function(e){return n.forEach(function(t){return p(t,e)})},(o=(0,c.useState)(function(){return{value:null,callback:r,facade:{get current(){return o.value},set current(e){var t=o.value;t!==e&&(o.value=e,o.callback(e,t))}}}})[0]).callback=r,i=o.facade,m(function(){var e=h.get(i);if(e){var t=new Set(e),r=new Set(n),o=i.current;t.forEach(function(e){r.has(e)||p(e,null)}),r.forEach(function(e){t.has(e)||p(e,o)})}h.set(i,n)},[n]),i),A=u(u({},k),d);return c.createElement(c.Fragment,null,C&&c.createElement(T,{sideCar:v,removeScrollBar:w,shards:S,noRelative:x,noIsolation:I,inert:O,setCallbacks:f,allowPinchZoom:!!N,lockRef:a,gapMode:D}),y?c.cloneElement(c.Children.only(b),u(u({},A),{ref:P})):c.createElement(void 0===R?"div":R,u({},A,{className:E,ref:P}),b))});y.defaultProps={enabled:!0,removeScrollBar:!0,inert:!1},y.classNames={fullWidth:f,zeroRight:d};var b=function(e){var t=e.sideCar,n=l(e,["sideCar"]);if(!t)throw Error("Sidecar: please provide `sideCar` property to import the right car");var r=t.read();if(!r)throw Error("Sidecar medium not found");return c.createElement(r,u({},n))};b.isSideCarExport=!0;var E=function(){return s||("u">typeof __webpack_nonce__?__webpack_nonce__:void 0)};e.s(["Q",0,E,"R",0,function(e){s=e}],36271);var w=function(){var e=0,t=null;return{add:function(n){if(0==e&&(t=function(){if(!document)return null;var e=document.createElement("style");e.type="text/css";var t=E();return t&&e.setAttribute("nonce",t),e}())){var r,o;(r=t).styleSheet?r.styleSheet.cssText=n:r.appendChild(document.createTextNode(n)),o=t,(document.head||document.getElementsByTagName("head")[0]).appendChild(o)}e++},remove:function(){--e||!t||(t.parentNode&&t.parentNode.removeChild(t),t=null)}}},C=function(){var e=w();return function(t,n){c.useEffect(function(){return e.add(t),function(){e.remove()}},[t&&n])}},S=function(){var e=C();return function(t){return e(t.styles,t.dynamic),null}},T={left:0,top:0,right:0,gap:0},x=function(e){return parseInt(e||"",10)||0},I=function(e){var t=window.getComputedStyle(document.body),n=t["padding"===e?"paddingLeft":"marginLeft"],r=t["padding"===e?"paddingTop":"marginTop"],o=t["padding"===e?"paddingRight":"marginRight"];return[x(n),x(r),x(o)]},O=function(e){if(void 0===e&&(e="margin"),"u"<typeof window)return T;var t=I(e),n=document.documentElement.clientWidth,r=window.innerWidth;return{left:t[0],top:t[1],right:t[2],gap:Math.max(0,r-n+t[2]-t[0])}},N=S(),R="data-scroll-locked",D=function(e,t,n,r){var o=e.left,i=e.top,a=e.right,s=e.gap;return void 0===n&&(n="margin"),"\n  .".concat("with-scroll-bars-hidden"," {\n   overflow: hidden ").concat(r,";\n   padding-right: ").concat(s,"px ").concat(r,";\n  }\n  body[").concat(R,"] {\n    overflow: hidden ").concat(r,";\n    overscroll-behavior: contain;\n    ").concat([t&&"position: relative ".concat(r,";"),"margin"===n&&"\n    padding-left: ".concat(o,"px;\n    padding-top: ").concat(i,"px;\n    padding-right: ").concat(a,"px;\n    margin-left:0;\n    margin-top:0;\n    margin-right: ").concat(s,"px ").concat(r,";\n    "),"padding"===n&&"padding-right: ".concat(s,"px ").concat(r,";")].filter(Boolean).join(""),"\n  }\n  \n  .").concat(d," {\n    right: ").concat(s,"px ").concat(r,";\n  }\n  \n  .").concat(f," {\n    margin-right: ").concat(s,"px ").concat(r,";\n  }\n  \n  .").concat(d," .").concat(d," {\n    right: 0 ").concat(r,";\n  }\n  \n  .").concat(f," .").concat(f," {\n    margin-right: 0 ").concat(r,";\n  }\n  \n  body[").concat(R,"] {\n    ").concat("--removed-body-scroll-bar-size",": ").concat(s,"px;\n  }\n")},k=function(){var e=parseInt(document.body.getAttribute(R)||"0",10);return isFinite(e)?e:0},P=function(){c.useEffect(function(){return document.body.setAttribute(R,(k()+1).toString()),function(){var e=k()-1;e<=0?document.body.removeAttribute(R):document.body.setAttribute(R,e.toString())}},[])},A=function(e){var t=e.noRelative,n=e.noImportant,r=e.gapMode,o=void 0===r?"margin":r;P();var i=c.useMemo(function(){return O(o)},[o]);return c.createElement(N,{styles:D(i,!t,o,n?"":"!important")})},_=!1;if("u">typeof window)try{var M=Object.defineProperty({},"passive",{get:function(){return _=!0,!0}});window.addEventListener("test",M,M),window.removeEventListener("test",M,M)}catch(e){_=!1}var L=!!_&&{passive:!1},j=function(e,t){if(!(e instanceof Element))return!1;var n=window.getComputedStyle(e);return"hidden"!==n[t]&&(n.overflowY!==n.overflowX||"TEXTAREA"===e.tagName||"visible"!==n[t])},F=function(e,t){var n=t.ownerDocument,r=t;do{if("u">typeof ShadowRoot&&r instanceof ShadowRoot&&(r=r.host),$(e,r)){var o=W(e,r);if(o[1]>o[2])return!0}r=r.parentNode}while(r&&r!==n.body)return!1},$=function(e,t){return"v"===e?j(t,"overflowY"):j(t,"overflowX")},W=function(e,t){return"v"===e?[t.scrollTop,t.scrollHeight,t.clientHeight]:[t.scrollLeft,t.scrollWidth,t.clientWidth]},U=function(e,t,n,r,o){var i,a=(i=window.getComputedStyle(t).direction,"h"===e&&"rtl"===i?-1:1),s=a*r,u=n.target,l=t.contains(u),c=!1,d=s>0,f=0,p=0;do{if(!u)break;var m=W(e,u),h=m[0],v=m[1]-m[2]-a*h;(h||v)&&$(e,u)&&(f+=v,p+=h);var g=u.parentNode;u=g&&g.nodeType===Node.DOCUMENT_FRAGMENT_NODE?g.host:g}while(!l&&u!==document.body||l&&(t.contains(u)||t===u))return d&&(o&&1>Math.abs(f)||!o&&s>f)?c=!0:!d&&(o&&1>Math.abs(p)||!o&&-s>p)&&(c=!0),c},B=function(e){return"changedTouches"in e?[e.changedTouches[0].clientX,e.changedTouches[0].clientY]:[0,0]},V=function(e){return[e.deltaX,e.deltaY]},K=function(e){return e&&"current"in e?e.current:e},z=0,G=[];let H=(a=function(e){var t=c.useRef([]),n=c.useRef([0,0]),r=c.useRef(),o=c.useState(z++)[0],i=c.useState(S)[0],a=c.useRef(e);c.useEffect(function(){a.current=e},[e]),c.useEffect(function(){if(e.inert){document.body.classList.add("block-interactivity-".concat(o));var t=(function(e,t,n){if(n||2==arguments.length)for(var r,o=0,i=t.length;o<i;o++)!r&&o in t||(r||(r=Array.prototype.slice.call(t,0,o)),r[o]=t[o]);return e.concat(r||Array.prototype.slice.call(t))})([e.lockRef.current],(e.shards||[]).map(K),!0).filter(Boolean);return t.forEach(function(e){return e.classList.add("allow-interactivity-".concat(o))}),function(){document.body.classList.remove("block-interactivity-".concat(o)),t.forEach(function(e){return e.classList.remove("allow-interactivity-".concat(o))})}}},[e.inert,e.lockRef.current,e.shards]);var s=c.useCallback(function(e,t){if("touches"in e&&2===e.touches.length||"wheel"===e.type&&e.ctrlKey)return!a.current.allowPinchZoom;var o,i=B(e),s=n.current,u="deltaX"in e?e.deltaX:s[0]-i[0],l="deltaY"in e?e.deltaY:s[1]-i[1],c=e.target,d=Math.abs(u)>Math.abs(l)?"h":"v";if("touches"in e&&"h"===d&&"range"===c.type)return!1;var f=window.getSelection(),p=f&&f.anchorNode;if(p&&(p===c||p.contains(c)))return!1;var m=F(d,c);if(!m)return!0;if(m?o=d:(o="v"===d?"h":"v",m=F(d,c)),!m)return!1;if(!r.current&&"changedTouches"in e&&(u||l)&&(r.current=o),!o)return!0;var h=r.current||o;return U(h,t,e,"h"===h?u:l,!0)},[]),u=c.useCallback(function(e){if(G.length&&G[G.length-1]===i){var n="deltaY"in e?V(e):B(e),r=t.current.filter(function(t){var r;return t.name===e.type&&(t.target===e.target||e.target===t.shadowParent)&&(r=t.delta,r[0]===n[0]&&r[1]===n[1])})[0];if(r&&r.should){e.cancelable&&e.preventDefault();return}if(!r){var o=(a.current.shards||[]).map(K).filter(Boolean).filter(function(t){return t.contains(e.target)});(o.length>0?s(e,o[0]):!a.current.noIsolation)&&e.cancelable&&e.preventDefault()}}},[]),l=c.useCallback(function(e,n,r,o){var i={name:e,delta:n,target:r,should:o,shadowParent:function(e){for(var t=null;null!==e;)e instanceof ShadowRoot&&(t=e.host,e=e.host),e=e.parentNode;return t}(r)};t.current.push(i),setTimeout(function(){t.current=t.current.filter(function(e){return e!==i})},1)},[]),d=c.useCallback(function(e){n.current=B(e),r.current=void 0},[]),f=c.useCallback(function(t){l(t.type,V(t),t.target,s(t,e.lockRef.current))},[]),p=c.useCallback(function(t){l(t.type,B(t),t.target,s(t,e.lockRef.current))},[]);c.useEffect(function(){return G.push(i),e.setCallbacks({onScrollCapture:f,onWheelCapture:f,onTouchMoveCapture:p}),document.addEventListener("wheel",u,L),document.addEventListener("touchmove",u,L),document.addEventListener("touchstart",d,L),function(){G=G.filter(function(e){return e!==i}),document.removeEventListener("wheel",u,L),document.removeEventListener("touchmove",u,L),document.removeEventListener("touchstart",d,L)}},[]);var m=e.removeScrollBar,h=e.inert;return c.createElement(c.Fragment,null,h?c.createElement(i,{styles:"\n  .block-interactivity-".concat(o," {pointer-events: none;}\n  .allow-interactivity-").concat(o," {pointer-events: all;}\n")}):null,m?c.createElement(A,{noRelative:e.noRelative,gapMode:e.gapMode}):null)},v.useMedium(a),b);var X=c.forwardRef(function(e,t){return c.createElement(y,u({},e,{ref:t,sideCar:H}))});X.classNames=y.classNames,e.s(["f",0,X],85369)},16726,20298,99467,63836,38924,77470,e=>{"use strict";var t=e.i(43476),n=e.i(71645),r=e.i(81140),o=e.i(20783),i=e.i(30030),a=e.i(10772),s=e.i(69340),u=e.i(26330),l=e.i(65491),c=e.i(74606),d=e.i(96626),f=e.i(48425),p=e.i(3536),m=e.i(34620),h=e.i(85369),v=e.i(86312),g=e.i(91918),y=Object.defineProperty,b=(e,t)=>y(e,"name",{value:t,configurable:!0}),E="Dialog",[w,C]=(0,i.f)(E),[S,T]=w(E),x=b(e=>{let{__scopeDialog:r,children:o,open:i,defaultOpen:u,onOpenChange:c,modal:d=!0}=e,f=n.useRef(null),p=n.useRef(null),{nodes:m,registry:h}=(0,l.D)(),[v,g]=(0,s.f)({prop:i,defaultProp:u??!1,onChange:c,caller:E}),[y,b]=n.useState(0),[w,C]=n.useState(0);return(0,t.jsx)(S,{scope:r,triggerRef:f,contentRef:p,contentId:(0,a.f)(),titleId:(0,a.f)(),descriptionId:(0,a.f)(),titlePresent:y>0,descriptionPresent:w>0,setTitleCount:b,setDescriptionCount:C,open:v,onOpenChange:g,onOpenToggle:n.useCallback(()=>g(e=>!e),[g]),modal:d,branchNodes:m,branchRegistry:h,children:o})},"Dialog"),I="DialogPortal",[O,N]=w(I,{forceMount:void 0}),R=b(e=>{let{__scopeDialog:r,forceMount:o,children:i,container:a}=e,s=T(I,r);return(0,t.jsx)(O,{scope:r,forceMount:o,children:n.Children.map(i,e=>(0,t.jsx)(d.f,{present:o||s.open,children:(0,t.jsx)(c.f,{asChild:!0,container:a,children:e})}))})},"DialogPortal"),D="DialogOverlay",k=n.forwardRef(b(function(e,n){let r=N(D,e.__scopeDialog),{forceMount:o=r.forceMount,...i}=e,a=T(D,e.__scopeDialog);return a.modal?(0,t.jsx)(d.f,{present:o||a.open,children:(0,t.jsx)(A,{...i,ref:n})}):null},"DialogOverlay")),P=(0,g.f)("DialogOverlay.RemoveScroll"),A=n.forwardRef(b(function(e,r){let{__scopeDialog:i,...a}=e,s=T(D,i),l=(0,u.y)(),c=(0,o.f)(r,l);return(0,t.jsx)(h.f,{as:P,allowPinchZoom:!0,shards:n.useMemo(()=>[s.contentRef,...s.branchNodes.map(e=>({current:e}))],[s.contentRef,s.branchNodes]),children:(0,t.jsx)(f.V.div,{"data-state":B(s.open),...a,ref:c,style:{pointerEvents:"auto",...a.style}})})},"DialogOverlayImpl")),_="DialogContent",M=n.forwardRef(b(function(e,n){let r=N(_,e.__scopeDialog),{forceMount:o=r.forceMount,...i}=e,a=T(_,e.__scopeDialog);return(0,t.jsx)(d.f,{present:o||a.open,children:a.modal?(0,t.jsx)(L,{...i,ref:n}):(0,t.jsx)(j,{...i,ref:n})})},"DialogContent")),L=n.forwardRef(b(function(e,i){let a=T(_,e.__scopeDialog),s=n.useRef(null),u=(0,o.f)(i,a.contentRef,s);return n.useEffect(()=>{let e=s.current;if(e)return(0,v.f)(e)},[]),(0,t.jsx)(F,{...e,ref:u,trapFocus:a.open,disableOutsidePointerEvents:a.open,onCloseAutoFocus:(0,r.f)(e.onCloseAutoFocus,e=>{e.preventDefault(),a.triggerRef.current?.focus()}),onPointerDownOutside:(0,r.f)(e.onPointerDownOutside,e=>{let t=e.detail.originalEvent,n=0===t.button&&!0===t.ctrlKey;(2===t.button||n)&&e.preventDefault()}),onFocusOutside:(0,r.f)(e.onFocusOutside,e=>e.preventDefault())})},"DialogContentModal")),j=n.forwardRef(b(function(e,r){let o=T(_,e.__scopeDialog),i=n.useRef(!1),a=n.useRef(!1);return(0,t.jsx)(F,{...e,ref:r,trapFocus:!1,disableOutsidePointerEvents:!1,onCloseAutoFocus:t=>{e.onCloseAutoFocus?.(t),t.defaultPrevented||(i.current||o.triggerRef.current?.focus(),t.preventDefault()),i.current=!1,a.current=!1},onInteractOutside:t=>{e.onInteractOutside?.(t),t.defaultPrevented||(i.current=!0,"pointerdown"===t.detail.originalEvent.type&&(a.current=!0));let n=t.target;o.triggerRef.current?.contains(n)&&t.preventDefault(),"focusin"===t.detail.originalEvent.type&&a.current&&t.preventDefault()}})},"DialogContentNonModal")),F=n.forwardRef(b(function(e,n){let{__scopeDialog:r,trapFocus:o,onOpenAutoFocus:i,onCloseAutoFocus:a,"aria-describedby":s,children:c,...d}=e,f=T(_,r);return(0,p.f)(),(0,t.jsx)(l.l,{registry:f.branchRegistry,children:(0,t.jsx)(l.v,{asChild:!0,loop:!0,trapped:o,branches:f.branchNodes,onMountAutoFocus:i,onUnmountAutoFocus:a,children:(0,t.jsx)(u.V,{role:"dialog",id:f.contentId,"aria-labelledby":f.titlePresent?f.titleId:void 0,"aria-describedby":f.descriptionPresent?U(s,f.descriptionId):s,"data-state":B(f.open),...d,ref:n,deferPointerDownOutside:!0,onDismiss:()=>f.onOpenChange(!1),children:c})})})},"DialogContentImpl")),$=n.forwardRef(b(function(e,n){let{__scopeDialog:r,...o}=e,i=T("DialogTitle",r),{setTitleCount:a}=i;return(0,m.f)(()=>(a(e=>e+1),()=>a(e=>e-1)),[a]),(0,t.jsx)(f.V.h2,{id:i.titleId,...o,ref:n})},"DialogTitle")),W=n.forwardRef(b(function(e,n){let{__scopeDialog:r,...o}=e,i=T("DialogDescription",r),{setDescriptionCount:a}=i;return(0,m.f)(()=>(a(e=>e+1),()=>a(e=>e-1)),[a]),(0,t.jsx)(f.V.p,{id:i.descriptionId,...o,ref:n})},"DialogDescription"));function U(...e){let t=new Set;for(let n of e)if("string"==typeof n)for(let e of String(n).trim().split(/\s+/))e&&t.add(e);return t.size>0?Array.from(t).join(" "):void 0}function B(e){return e?"open":"closed"}b(U,"concatAriaDescribedby"),b(B,"getState"),e.s(["Content",0,M,"Description",0,W,"Overlay",0,k,"Portal",0,R,"Root",0,x,"Title",0,$],26999);var V=e.i(26999);e.s(["f",0,V],20298);var V=V,K=V;e.s(["f",0,K],99467);var K=V,z=V;e.s(["f",0,z],63836);var z=V,G=V;e.s(["f",0,G],38924);var G=V,H=V;e.s(["f",0,H],77470);var H=V,X=V,q=e.i(96590);let Y="fixed inset-0 z-40 bg-black/45 fade-in";function Z({open:e,onOpenChange:n,title:r,description:o,children:i,isWide:a=!1}){return(0,t.jsx)(V.Root,{open:e,onOpenChange:n,children:(0,t.jsxs)(K.Portal,{children:[(0,t.jsx)(z.Overlay,{className:Y}),(0,t.jsxs)(G.Content,{...o?{}:{"aria-describedby":void 0},className:`fade-in fixed top-1/2 left-1/2 z-50 max-h-[88dvh] -translate-x-1/2 -translate-y-1/2 overflow-y-auto rounded-xl
            border bg-raised p-5 shadow-large ${a?"w-[min(92vw,40rem)]":"w-[min(92vw,28rem)]"}`,children:[(0,t.jsx)(H.Title,{className:"text-base font-semibold",children:r}),o&&(0,t.jsx)(X.Description,{className:"mt-1.5 text-sm text-muted",children:o}),i]})]})})}e.s(["k",0,function({confirm:e,busy:n=!1,problem:r,onConfirm:o,...i}){return(0,t.jsxs)(Z,{...i,children:[r,(0,t.jsxs)("div",{className:"mt-5 flex justify-end gap-2",children:[(0,t.jsx)(q.K,{onClick:()=>i.onOpenChange(!1),children:"Cancel"}),(0,t.jsx)(q.K,{kind:"danger",busy:n,onClick:o,children:e})]})]})},"N",0,Z,"S",0,function({open:e,onOpenChange:n,title:r,children:o}){return(0,t.jsx)(V.Root,{open:e,onOpenChange:n,children:(0,t.jsxs)(K.Portal,{children:[(0,t.jsx)(z.Overlay,{className:Y}),(0,t.jsxs)(G.Content,{"aria-describedby":void 0,className:"fade-in fixed inset-y-0 left-0 z-50 flex w-[min(82vw,18rem)] flex-col overflow-y-auto border-r bg-surface shadow-large",children:[(0,t.jsx)(H.Title,{className:"sr-only",children:r}),o]})]})})}],16726)}]);
