import { Field } from "@/ui/field";

export const NewPassword = ({ label = "New password", name = "newPassword", problem }: { label?: string; name?: string; problem: string | undefined }) => (
  <Field
    label={label}
    name={name}
    type="password"
    autoComplete="new-password"
    hint="At least 15 characters. Several unrelated words are easy to remember."
    required
    maxLength={1024}
    problem={problem}
  />
);
