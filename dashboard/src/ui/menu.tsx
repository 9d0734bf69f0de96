"use client";

import { Slot } from "radix-ui";
import { createContext, use, useState, type KeyboardEvent, type ReactNode } from "react";
import { Icon, type IconName } from "./icons";
import type { Menu as MenuParts } from "./menu-parts";
import { useOnDemand } from "./on-demand";

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

/** Radix, which is loaded when a menu is first opened. */
const Parts = createContext<typeof MenuParts | null>(null);

function useParts(): typeof MenuParts {
  const parts = use(Parts);
  if (!parts) throw new Error("The item is outside of a menu.");
  return parts;
}

const load = () => import("./menu-parts");

export function Menu({ trigger, children, ...place }: MenuProps) {
  const [isOpen, setOpen] = useState(false);
  const parts = useOnDemand(load, isOpen, () => setOpen(false));
  if (parts) {
    return (
      <Parts value={parts.Menu}>
        <OpenedMenu {...{ trigger, isOpen, setOpen }} {...place}>
          {children}
        </OpenedMenu>
      </Parts>
    );
  }
  const preload = () => void load().catch(() => undefined);
  return (
    <Slot.Root
      aria-haspopup="menu"
      aria-expanded={false}
      onPointerEnter={preload}
      onFocus={preload}
      onClick={() => setOpen(true)}
      onKeyDown={(event: KeyboardEvent) => {
        if (event.key !== "ArrowDown") return;
        event.preventDefault();
        setOpen(true);
      }}
    >
      {trigger}
    </Slot.Root>
  );
}

interface OpenedMenuProps extends MenuProps {
  isOpen: boolean;
  setOpen(isOpen: boolean): void;
}

function OpenedMenu({ trigger, align = "start", side = "bottom", onCloseAutoFocus, isOpen, setOpen, children }: OpenedMenuProps) {
  const Radix = useParts();
  return (
    <Radix.Root modal={false} open={isOpen} onOpenChange={setOpen}>
      <Radix.Trigger asChild>{trigger}</Radix.Trigger>
      <Radix.Portal>
        <Radix.Content
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
