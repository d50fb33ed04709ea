import { t } from "@lingui/core/macro";
import { type ReactNode, useState } from "react";
import { Dialog as AriaDialog, Heading, Modal, ModalOverlay } from "react-aria-components";

import { Button } from "./Button";

/** A window within the window; Esc closes it, and a click outside too, unless that would lose what was typed; one to `keep` is left by its buttons only. */
export function Dialog({ title, open, onClose, wide = false, typed = false, keep = false, children }: { title: string; open: boolean; onClose: () => void; wide?: boolean; typed?: boolean; keep?: boolean; children: ReactNode }) {
  return (
    <ModalOverlay
      isOpen={open}
      onOpenChange={(next) => !next && onClose()}
      isDismissable={!typed && !keep}
      isKeyboardDismissDisabled={keep}
      className={`fixed inset-0 z-40 flex items-start justify-center bg-scrim ${wide ? "pt-[8vh]" : "pt-[18vh]"}`}
    >
      <Modal className={`${wide ? "w-[760px]" : "w-[460px]"} max-w-[92vw] rounded-lg bg-raised shadow-float`}>
        <AriaDialog className={`flex ${wide ? "max-h-[84vh]" : "max-h-[70vh]"} flex-col gap-3 p-5 outline-none`}>
          <Heading slot="title" className="text-lg font-semibold">
            {title}
          </Heading>
          {children}
        </AriaDialog>
      </Modal>
    </ModalOverlay>
  );
}

/** A question before something that cannot be taken back. The button says what will happen, with the number. */
export function Confirm({ title, action, open, busy, onConfirm, onClose, children }: {
  title: string;
  action: string;
  open: boolean;
  busy?: boolean;
  onConfirm: () => void;
  onClose: () => void;
  children: ReactNode;
}) {
  return (
    <Dialog title={title} open={open} onClose={onClose}>
      <div className="flex min-h-0 flex-col gap-2 overflow-y-auto wrap-anywhere text-soft">{children}</div>
      <div className="mt-2 flex justify-end gap-2">
        <Button onClick={onClose}>{t`Cancel`}</Button>
        <Button data-once="" look="danger" busy={busy} onClick={onConfirm}>
          {action}
        </Button>
      </div>
    </Dialog>
  );
}

export function useOpen(): { open: boolean; show: () => void; hide: () => void } {
  const [open, setOpen] = useState(false);
  return { open, show: () => setOpen(true), hide: () => setOpen(false) };
}
