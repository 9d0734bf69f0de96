"use client";

import { Slot } from "radix-ui";
import { createContext, use, useRef, useState, type KeyboardEvent, type MouseEvent, type ReactNode } from "react";
import { Icon, type IconName } from "./icons";
import type { DropdownMenu } from "./menu-parts";
import { preload, useOnDemand } from "./on-demand";

const ITEM = `flex cursor-pointer items-center gap-2.5 rounded-md px-2.5 py-1.5 text-sm outline-none select-none
  data-[highlighted]:bg-hover data-[disabled]:opacity-55`;

interface MenuProps {
  trigger: ReactNode;
  align?: "start" | "end";
  side?: "top" | "bottom";
  /** Prevents that the trigger takes the focus when the menu closes. */
  onCloseAutoFocus?: (event: Event) => void;
  children: ReactNode;
}

/** The menus of Radix, which are loaded when one is about to be opened. */
const Parts = createContext<typeof DropdownMenu | null>(null);

function useParts(): typeof DropdownMenu {
  const parts = use(Parts);
  if (!parts) throw new Error("The item is outside of a menu.");
  return parts;
}

export const loadMenus = () => import("./menu-parts");

export function Menu(props: MenuProps) {
  const [isOpen, setOpen] = useState(false);
  const isByKeyboard = useRef(false);
  const parts = useOnDemand(loadMenus, isOpen, () => setOpen(false));
  if (parts) {
    return (
      <Parts value={parts.DropdownMenu}>
        <LoadedMenu {...props} isOpen={isOpen} onOpenChange={setOpen} isByKeyboard={isByKeyboard.current} />
      </Parts>
    );
  }
  const open = (byKeyboard: boolean) => {
    isByKeyboard.current = byKeyboard;
    setOpen(true);
  };
  return (
    <Slot.Root
      aria-haspopup="menu"
      aria-expanded={false}
      onPointerEnter={() => preload(loadMenus)}
      onFocus={() => preload(loadMenus)}
      onClick={({ detail }: MouseEvent) => open(detail === 0)}
      onKeyDown={(event: KeyboardEvent) => {
        if (event.key !== "ArrowDown") return;
        event.preventDefault();
        open(true);
      }}
    >
      {props.trigger}
    </Slot.Root>
  );
}

interface LoadedMenuProps extends MenuProps {
  isOpen: boolean;
  onOpenChange(isOpen: boolean): void;
  /** The key that opened the menu was pressed before Radix was there, so Radix does not know of it. */
  isByKeyboard: boolean;
}

function LoadedMenu({ trigger, align = "start", side = "bottom", onCloseAutoFocus, isOpen, onOpenChange, isByKeyboard, children }: LoadedMenuProps) {
  const Radix = useParts();
  const isFirst = useRef(true);
  const focusFirstItem = (content: HTMLElement | null) => {
    if (!content || !isFirst.current) return;
    isFirst.current = false;
    // After Radix has focused the menu itself.
    if (isByKeyboard) requestAnimationFrame(() => content.querySelector<HTMLElement>("[role^=menuitem]")?.focus());
  };
  return (
    <Radix.Root modal={false} open={isOpen} onOpenChange={onOpenChange}>
      <Radix.Trigger asChild>{trigger}</Radix.Trigger>
      <Radix.Portal>
        <Radix.Content
          ref={focusFirstItem}
          align={align}
          side={side}
          sideOffset={6}
          collisionPadding={8}
          {...(onCloseAutoFocus && { onCloseAutoFocus })}
          className="fade-in z-50 max-h-[var(--radix-dropdown-menu-content-available-height)] min-w-52 overflow-y-auto rounded-lg
            border bg-raised p-1 shadow-large"
        >
          {children}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}

interface ItemProps {
  icon?: IconName;
  /** Why it cannot be chosen, if so; it is shown in the menu. */
  refused?: string | undefined;
  onSelect(): void;
  children: ReactNode;
}

export function MenuItem({ icon, refused, onSelect, children }: ItemProps) {
  const Radix = useParts();
  return (
    // Not `disabled`: the keyboard would skip the item, and with it the reason.
    <Radix.Item
      className={`${ITEM} ${refused ? "text-muted" : ""}`}
      aria-disabled={refused ? true : undefined}
      onSelect={refused ? (event) => event.preventDefault() : onSelect}
    >
      {icon && <Icon name={icon} className="text-muted" />}
      <span>
        {children}
        {refused && <span className="block max-w-60 text-xs">{refused}</span>}
      </span>
    </Radix.Item>
  );
}

export function MenuLink({ icon, href, children }: { icon?: IconName; href: string; children: ReactNode }) {
  const Radix = useParts();
  return (
    <Radix.Item className={ITEM} asChild>
      <a href={href}>
        {icon && <Icon name={icon} className="text-muted" />}
        {children}
      </a>
    </Radix.Item>
  );
}

export function MenuLabel({ children }: { children: ReactNode }) {
  const Radix = useParts();
  return <Radix.Label className="px-2.5 pt-2 pb-1 text-xs font-medium text-muted">{children}</Radix.Label>;
}

export function MenuSeparator() {
  const Radix = useParts();
  return <Radix.Separator className="my-1 h-px bg-line" />;
}

function Mark() {
  const Radix = useParts();
  return (
    <span className="grid w-4.5 place-items-center">
      <Radix.ItemIndicator>
        <Icon name="check" width={16} height={16} className="text-accent" />
      </Radix.ItemIndicator>
    </span>
  );
}

interface Choices<Value extends string> {
  value: Value;
  onChange(value: Value): void;
  options: readonly { value: Value; label: ReactNode }[];
}

export function MenuChoices<Value extends string>({ value, onChange, options }: Choices<Value>) {
  const Radix = useParts();
  return (
    <Radix.RadioGroup value={value} onValueChange={(chosen) => onChange(chosen as Value)}>
      {options.map((option) => (
        <Radix.RadioItem key={option.value} value={option.value} className={ITEM}>
          <Mark />
          {option.label}
        </Radix.RadioItem>
      ))}
    </Radix.RadioGroup>
  );
}

/** Several may be chosen, so the menu stays open. */
export function MenuCheck({ checked, onChange, children }: { checked: boolean; onChange(checked: boolean): void; children: ReactNode }) {
  const Radix = useParts();
  return (
    <Radix.CheckboxItem checked={checked} onCheckedChange={onChange} onSelect={(event) => event.preventDefault()} className={ITEM}>
      <Mark />
      {children}
    </Radix.CheckboxItem>
  );
}
