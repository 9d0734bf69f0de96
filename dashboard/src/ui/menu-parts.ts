export { DropdownMenu as Menu } from "radix-ui";
