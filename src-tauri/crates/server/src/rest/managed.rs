//! `managed`: the people themselves.

use api::{
    App,
    dto::{ById, UserRow, UsersRequest},
    rest_object,
};
use futures::FutureExt as _;
use model::Filter;
use serde_json::Value;

use super::{
    fields::Fields,
    list::{self, Part, Wanted},
    operation::{Answer, Call, LIST, Operation, text},
    pieces,
};
use crate::problem::Problem;

/// Objects that are read at a time when all are asked for.
const AT_A_TIME: usize = 1000;

pub(crate) fn operations() -> Vec<Operation> {
    let (all, one) = ("/openidm/managed/{type}", "/openidm/managed/{type}/{id}");
    vec![
        Operation::new("GET", all, "Lists objects", "ObjectList", |c| query(c).boxed())
            .takes(&LIST)
            .takes(&[text("uid", "The name that _queryId=for-userName looks for")]),
        Operation::new("GET", one, "Shows an object", "ManagedObject", |c| read(c).boxed()),
    ]
}

async fn query(call: Call) -> Result<Answer, Problem> {
    user_type(&call)?;
    let wanted = Wanted::read(&call)?;
    let app = call.app().clone();
    let request = request(&wanted)?;
    let first = page(&app, request.clone(), wanted.fields.clone()).await?;
    if wanted.count_only {
        return Ok(list::count_only(first.total.unwrap_or(0)));
    }
    if wanted.size.is_some() || first.cookie.is_none() {
        return Ok(list::answer(Part { total: first.total.filter(|_| wanted.count), ..first }));
    }
    Ok(pieces::whole_list(first, move |cookie| {
        let (app, fields) = (app.clone(), wanted.fields.clone());
        let request = UsersRequest { after: Some(cookie), ..request.clone() };
        async move { page(&app, request, fields).await }.boxed()
    }))
}

async fn page(app: &App, request: UsersRequest, fields: Fields) -> Result<Part, Problem> {
    let page = app.users_list(request).await?;
    Ok(Part {
        result: page.users.iter().map(|user| fields.of(document(user))).collect(),
        cookie: page.next,
        total: usize::try_from(page.total).ok(),
    })
}

fn request(wanted: &Wanted) -> Result<UsersRequest, Problem> {
    Ok(UsersRequest {
        search: None,
        filter: (wanted.filter != Filter::Always(true)).then(|| wanted.filter.to_string()),
        sort: wanted
            .sort
            .first()
            .map(|(name, descending)| if *descending { format!("-{name}") } else { name.clone() }),
        after: wanted.cookie.clone(),
        limit: Some(u32::try_from(wanted.size.unwrap_or(AT_A_TIME)).unwrap_or(u32::MAX)),
    })
}

async fn read(call: Call) -> Result<Answer, Problem> {
    user_type(&call)?;
    let fields = call.fields();
    let detail = call.app().user_get(ById { id: call.part("id").to_owned() }).await?;
    Ok(Answer::object(document(&detail.user)).only(&fields))
}

fn document(user: &UserRow) -> Value {
    rest_object(user, &[])
}

fn user_type(call: &Call) -> Result<(), Problem> {
    match call.part("type") {
        "user" => Ok(()),
        other => Err(Problem::not_found(format!("there is no managed object type `{other}`"))),
    }
}
