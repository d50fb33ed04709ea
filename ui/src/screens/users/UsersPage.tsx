import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useCallback, useMemo } from "react";

import type { UserRow } from "../../backend/bindings/UserRow";
import type { UserSchema } from "../../backend/bindings/UserSchema";
import { GoButton } from "../../parts/GoButton";
import { Outside } from "../../parts/Outside";
import { Nothing, Page, Skeleton } from "../../parts/Page";
import { Problem } from "../../parts/Problem";
import { SearchBox } from "../../parts/SearchBox";
import { type Column, type Sort, VirtualTable } from "../../parts/VirtualTable";
import { count } from "../../words/numbers";
import { cellText } from "../../words/value";
import { userName } from "./draft";
import { userSchema, usersList } from "./queries";

/** Addresses are long and states are short; the others share what is left. */
const WIDTHS: Record<string, string> = { userName: "28%", mail: "28%", accountStatus: "110px" };

function columnsOf(schema: UserSchema): Column<UserRow>[] {
  return schema.attributes
    .filter((attribute) => attribute.searchable)
    .map((attribute) => ({
      key: attribute.name,
      title: attribute.title,
      width: WIDTHS[attribute.name],
      sortable: true,
      cell: (user) => {
        const text = cellText(user.attributes[attribute.name]);
        return text === "" ? <span className="text-soft">{"\u2013"}</span> : <Outside text={text} />;
      },
    }));
}

function sortOf(text: string | undefined): Sort | null {
  return text ? { key: text.replace(/^-/, ""), descending: text.startsWith("-") } : null;
}

export function UsersPage() {
  const { q = "", sort } = useSearch({ from: "/users" });
  const navigate = useNavigate();
  const schema = useQuery(userSchema);
  const users = useInfiniteQuery(usersList(q.trim() || null, sort ?? null));
  const columns = useMemo(() => (schema.data ? columnsOf(schema.data) : []), [schema.data]);
  const { fetchNextPage, hasNextPage, isFetchingNextPage } = users;
  const next = useCallback(() => {
    if (hasNextPage && !isFetchingNextPage) void fetchNextPage();
  }, [fetchNextPage, hasNextPage, isFetchingNextPage]);
  const search = useCallback((text: string) => void navigate({ to: "/users", search: (before) => ({ ...before, q: text || undefined }), replace: true }), [navigate]);
  const rows = users.data?.pages.flatMap((page) => page.users) ?? [];
  const total = users.data?.pages[0]?.total ?? 0;
  const error = users.error ?? schema.error;

  return (
    <Page
      flush
      title="User"
      beside={
        <span role="status" className="shrink-0 text-soft">
          {users.data && count(total, "user")}
          {q && users.data && " found"}
        </span>
      }
      actions={
        <>
          <SearchBox label="Search users" value={q} onChange={search} />
          <GoButton look="primary" icon="plus" go={{ to: "/users/new" }}>
            New user
          </GoButton>
        </>
      }
    >
      {error ? (
        <div className="p-6">
          <Problem error={error} />
        </div>
      ) : !users.data || !schema.data ? (
        <div className="px-6 pt-7">
          <Skeleton rows={12} />
        </div>
      ) : rows.length === 0 ? (
        <div className="p-6">
          <Nothing>{q ? <>No user has an attribute that starts with {"\u201c"}<bdi>{q}</bdi>{"\u201d"}.</> : "No users yet. Reconcile a mapping whose target is User, or add one by hand."}</Nothing>
        </div>
      ) : (
        <div className="flex min-h-0 flex-1 flex-col">
          <VirtualTable
            label="Users"
            columns={columns}
            rows={rows}
            rowKey={(user) => user.id}
            rowName={(user) => userName(user.attributes)}
            total={total}
            sort={sortOf(sort)}
            onSort={({ key, descending }) => void navigate({ to: "/users", search: (before) => ({ ...before, sort: `${descending ? "-" : ""}${key}` }), replace: true })}
            onOpen={(user) => void navigate({ to: "/users/$id", params: { id: user.id }, state: { usersList: { q: q || undefined, sort } } })}
            onNearEnd={next}
            place={`${q.trim()} ${sort ?? ""}`}
          />
        </div>
      )}
    </Page>
  );
}
