"use client";

import { DropdownMenu as Radix } from "radix-ui";
import type { ReactNode } from "react";
import { Icon, type IconName } from "./icons";

const ITEM = `flex cursor-pointer items-center gap-2.5 rounded-md px-2.5 py-1.5 text-sm outline-none select-none
  data-[highlighted]:bg-hover data-[disabled]:opacity-55`;

interface MenuProps {
  trigger: ReactNode;
  align?: "start" | "end";
  side?: "top" | "bottom";
  children: ReactNode;
}

export function Menu({ trigger, align = "start", side = "bottom", children }: MenuProps) {
  return (
    <Radix.Root modal={false}>
      <Radix.Trigger asChild>{trigger}</Radix.Trigger>
      <Radix.Portal>
        <Radix.Content
          align={align}
          side={side}
          sideOffset={6}
          collisionPadding={8}
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
  return <Radix.Label className="px-2.5 pt-2 pb-1 text-xs font-medium text-muted">{children}</Radix.Label>;
}

export const MenuSeparator = () => <Radix.Separator className="my-1 h-px bg-line" />;

const Mark = () => (
  <span className="grid w-4.5 place-items-center">
    <Radix.ItemIndicator>
      <Icon name="check" width={16} height={16} className="text-accent" />
    </Radix.ItemIndicator>
  </span>
);

interface Choices<Value extends string> {
  value: Value;
  onChange(value: Value): void;
  options: readonly { value: Value; label: ReactNode }[];
}

export function MenuChoices<Value extends string>({ value, onChange, options }: Choices<Value>) {
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
  return (
    <Radix.CheckboxItem checked={checked} onCheckedChange={onChange} onSelect={(event) => event.preventDefault()} className={ITEM}>
      <Mark />
      {children}
    </Radix.CheckboxItem>
  );
}
