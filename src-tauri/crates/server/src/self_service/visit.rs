//! What the pages do: accounts made, people signed in and out, profiles and passwords changed.

use std::{net::IpAddr, sync::Arc};

use api::{ApiError, ErrorCode, Person, PersonField, PersonForm, PersonRefusal, dto::PolicyFailure};
use axum::{
    extract::Request,
    http::{Method, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use model::{Attributes, Secret};
use serde_json::{Map, Value};

use super::{
    Pages, cookies,
    forms::{Form, LARGEST, LONGEST, TOKEN},
    pace::now,
    page::{Input, LINES, Sheet, form, go, problem, text},
    sessions::SignedIn,
};
use crate::gate;

/// The pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Page {
    Home,
    Register,
    Registered,
    SignIn,
    SignOut,
    Profile,
    Password,
    Consent,
    Privacy,
}

/// Where each page is, below the root.
pub(crate) const PAGES: &[(&str, Page)] = &[
    ("", Page::Home),
    ("/register", Page::Register),
    ("/registered", Page::Registered),
    ("/sign-in", Page::SignIn),
    ("/sign-out", Page::SignOut),
    ("/profile", Page::Profile),
    ("/password", Page::Password),
    ("/consent", Page::Consent),
    ("/privacy", Page::Privacy),
];

impl Page {
    pub fn takes_forms(self) -> bool {
        !matches!(self, Self::Home | Self::Registered | Self::Privacy)
    }
}

const NAME: &str = "userName";
const PASSWORD: &str = "password";
const AGAIN: &str = "passwordAgain";
const OLD: &str = "oldPassword";
const AGREE: &str = "agree";
const REVISION: &str = "revision";
const SAID: &str = "said";

/// One request to the pages.
pub(crate) struct Visit<'p> {
    pages: &'p Pages,
    peer: IpAddr,
    posted: bool,
    form: Form,
    query: Form,
    session: Option<(String, Person)>,
    /// What forms are tied to, and whether the browser has yet to be told.
    tie: String,
    untold: bool,
}

/// A problem by the field that it is about; none for the whole form.
type Problems = Vec<(String, String)>;

impl<'p> Visit<'p> {
    /// Reads what the request brings. A form that was not made for this browser goes no further.
    pub async fn begin(pages: &'p Arc<Pages>, request: Request) -> Result<Self, Response> {
        let (peer, headers) = (gate::peer(&request), request.headers().clone());
        let posted = request.method() == Method::POST;
        let query = Form::read(request.uri().query().unwrap_or_default().as_bytes());
        let mut session = None;
        if let Some(cookie) = cookies::read(&headers, cookies::SESSION)
            && let Some(who) = pages.sessions.who(&cookie, now())
        {
            match pages.shared.app.person(&who.person).await.map_err(|error| failed(&error))? {
                Some(person) if SignedIn::of(&person) == who => session = Some((cookie, person)),
                // Others of the same person may have signed in with the new password.
                Some(_) => pages.sessions.end(&cookie),
                None => pages.sessions.end_all_of(&who.person),
            }
        }
        let (tie, untold) = match (&session, cookies::read(&headers, cookies::FORMS)) {
            (Some((cookie, _)), _) => (cookie.clone(), false),
            (None, Some(cookie)) => (cookie, false),
            (None, None) => (cookies::random().map_err(|_| unwell())?, true),
        };
        let form = if posted { Self::posted(pages, request, &tie).await? } else { Form::default() };
        Ok(Self { pages, peer, posted, form, query, session, tie, untold })
    }

    async fn posted(pages: &Pages, request: Request, tie: &str) -> Result<Form, Response> {
        let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        if !kind
            .is_some_and(|kind| kind.to_ascii_lowercase().starts_with("application/x-www-form-urlencoded"))
        {
            return Err(problem(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "Only the forms of these pages are taken.",
            ));
        }
        let body = gate::body(request)
            .await
            .map_err(|refused| problem(refused.status, "What was sent is too large, or came too slowly."))?;
        let form = Some(&body).filter(|body| body.len() <= LARGEST).map(|body| Form::read(body));
        let Some(form) = form.filter(|form| !form.too_long()) else {
            return Err(problem(StatusCode::PAYLOAD_TOO_LARGE, "What was entered is too long."));
        };
        if !pages.seal.fits(tie, form.text(TOKEN)) {
            return Err(problem(
                StatusCode::FORBIDDEN,
                "This form is too old, or was not meant for this browser. Go back, load the page again and try once more. Cookies must be allowed.",
            ));
        }
        Ok(form)
    }

    /// Answers it.
    pub async fn answer(self, page: Page) -> Response {
        let (untold, tie, secure) = (self.untold, self.tie.clone(), self.pages.secure);
        let answered = match (page, self.posted) {
            (Page::Home, _) => Ok(go(if self.session.is_some() { "/profile" } else { "/sign-in" })),
            (Page::Privacy, _) => self.privacy().await,
            (Page::Registered, _) => Ok(registered()),
            (Page::Register | Page::SignIn, false) if self.session.is_some() => Ok(go("/profile")),
            (Page::Register, false) => self.register_form(&[]).await,
            (Page::Register, true) => self.register().await,
            (Page::SignIn, false) => Ok(self.sign_in_form(&[]).into_response()),
            (Page::SignIn, true) => self.sign_in().await,
            (Page::SignOut, true) => Ok(self.sign_out()),
            (Page::SignOut, false) => Ok(go("")),
            (page, posted) => match &self.session {
                None => Ok(go("/sign-in?said=ended")),
                Some((_, person)) => match (page, posted) {
                    (Page::Consent, false) => self.consent_form(&[]).await,
                    (Page::Consent, true) => self.consent(person).await,
                    (Page::Password, false) => Ok(self.password_form(&[]).into_response()),
                    (Page::Password, true) => self.change_password(person).await,
                    (_, false) => self.profile_form(person, &[]).await,
                    (_, true) => self.change_profile(person).await,
                },
            },
        };
        let mut answer = answered.unwrap_or_else(|error| failed(&error));
        if let (true, Some(cookie)) = (untold, cookies::set(cookies::FORMS, &tie, secure)) {
            answer.headers_mut().append(header::SET_COOKIE, cookie);
        }
        answer
    }

    fn token(&self) -> String {
        self.pages.seal.token(&self.tie)
    }

    /// The privacy policy, and what tells it from every other.
    async fn policy(&self) -> Result<(String, String), ApiError> {
        let words = match &self.pages.policy {
            Some(words) => words.clone(),
            None => what_happens(&self.pages.shared.app.person_recipients().await?),
        };
        let version = blake3::hash(words.as_bytes()).to_hex().chars().take(12).collect();
        Ok((words, version))
    }

    async fn privacy(&self) -> Result<Response, ApiError> {
        let (words, _) = self.policy().await?;
        Ok(Sheet::new("Privacy policy")
            .add(&format!("<div class=\"policy\">{}</div>", text(&words)))
            .add("<nav><a href=\"/people\">Back</a></nav>")
            .into_response())
    }

    async fn register_form(&self, problems: &[(String, String)]) -> Result<Response, ApiError> {
        let app = &self.pages.shared.app;
        let obstacles = app.person_obstacles().await?;
        if !obstacles.is_empty() {
            tracing::warn!(required = ?obstacles, "nobody can make an account: these are required, and people may not enter them");
            return Ok(problem(
                StatusCode::SERVICE_UNAVAILABLE,
                "Accounts cannot be made here at the moment. Please ask the administrator.",
            ));
        }
        let mut fields = String::new();
        let all = app.person_fields().await?;
        let (required, optional): (Vec<_>, Vec<_>) =
            all.into_iter().filter(|field| field.editable).partition(|field| field.required);
        for field in &required {
            fields.push_str(&field_of(field, self.form.text(&field.name), problems));
        }
        fields.push_str(&password_fields(problems));
        for field in &optional {
            fields.push_str(&field_of(field, self.form.text(&field.name), problems));
        }
        fields.push_str(&agreement(problems));
        let status = if problems.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
        Ok(Sheet::new("Create an account")
            .status(status)
            .wrong(problems)
            .add(&form("/register", &self.token(), &fields, "Create account"))
            .add("<nav><a href=\"/people/sign-in\">I have an account: sign in</a></nav>")
            .into_response())
    }

    async fn register(&self) -> Result<Response, ApiError> {
        if !self.pages.registrations.take(self.peer, now()) {
            return Ok(too_many());
        }
        let app = &self.pages.shared.app;
        let fields: Vec<PersonField> =
            app.person_fields().await?.into_iter().filter(|field| field.editable).collect();
        let (values, mut problems) = self.values(&fields);
        let password = self.new_password(&mut problems);
        if !self.form.has(AGREE) {
            problems.push((AGREE.into(), "The privacy policy has to be agreed to.".into()));
        }
        if !problems.is_empty() {
            return self.register_form(&problems).await;
        }
        let (_, policy) = self.policy().await?;
        let _turn = self.pages.hashing.acquire().await;
        match app.person_register(values, password, &policy).await {
            Ok(()) => Ok(go("/registered")),
            Err(PersonRefusal::Policies(failures)) => self.register_form(&told(failures)).await,
            Err(PersonRefusal::Failed(error)) => Err(error),
            Err(PersonRefusal::WrongPassword | PersonRefusal::Gone) => Ok(unwell()),
        }
    }

    fn sign_in_form(&self, problems: &[(String, String)]) -> Sheet {
        let name = input(NAME, "User name", "text", self.form.text(NAME), "username");
        let password = input(PASSWORD, "Password", "password", "", "current-password");
        let said = match self.query.text(SAID) {
            "ended" => Some("Please sign in."),
            "out" => Some("You have signed out."),
            "password" => Some("Your password was changed. Please sign in with the new one."),
            _ => None,
        };
        Sheet::new("Sign in")
            .said(said.filter(|_| problems.is_empty()))
            .wrong(problems)
            .add(&form("/sign-in", &self.token(), &format!("{}{}", name.markup(), password.markup()), "Sign in"))
            .add("<nav><a href=\"/people/register\">Create an account</a> <a href=\"/people/privacy\">Privacy policy</a></nav>")
    }

    async fn sign_in(&self) -> Result<Response, ApiError> {
        if self.pages.guesses.turn(self.peer).await.is_err() {
            return Ok(too_many());
        }
        let password = Secret::new(self.form.text(PASSWORD));
        let found = {
            let _turn = self.pages.hashing.acquire().await;
            self.pages.shared.app.person_sign_in(self.form.text(NAME), password).await?
        };
        let Some(person) = found else {
            if self.pages.guesses.missed(self.peer).await.is_err() {
                return Ok(too_many());
            }
            let wrong = [(String::new(), "The user name or the password is wrong.".to_owned())];
            return Ok(self.sign_in_form(&wrong).status(StatusCode::FORBIDDEN).into_response());
        };
        if let Some((cookie, _)) = &self.session {
            self.pages.sessions.end(cookie);
        }
        let Ok(cookie) = cookies::random() else { return Ok(unwell()) };
        if !self.pages.sessions.begin(&cookie, SignedIn::of(&person), now()) {
            return Ok(too_many());
        }
        let (_, policy) = self.policy().await?;
        let agreed = person.agreed.as_deref() == Some(policy.as_str());
        let mut answer = go(if agreed { "/profile" } else { "/consent" });
        if let Some(cookie) = cookies::set(cookies::SESSION, &cookie, self.pages.secure) {
            answer.headers_mut().append(header::SET_COOKIE, cookie);
        }
        Ok(answer)
    }

    fn sign_out(&self) -> Response {
        if let Some((cookie, _)) = &self.session {
            self.pages.sessions.end(cookie);
        }
        self.without_session("/sign-in?said=out")
    }

    fn without_session(&self, to: &str) -> Response {
        let mut answer = go(to);
        if let Some(cookie) = cookies::end(cookies::SESSION, self.pages.secure) {
            answer.headers_mut().append(header::SET_COOKIE, cookie);
        }
        answer
    }

    async fn consent_form(&self, problems: &[(String, String)]) -> Result<Response, ApiError> {
        let (words, _) = self.policy().await?;
        Ok(Sheet::new("Privacy policy")
            .wrong(problems)
            .paragraph("Please read this and agree to it before you go on.")
            .add(&format!("<div class=\"policy\">{}</div><h2>Your decision</h2>", text(&words)))
            .add(&form("/consent", &self.token(), &agreement(problems), "Continue"))
            .add(&self.way_out(false))
            .into_response())
    }

    async fn consent(&self, person: &Person) -> Result<Response, ApiError> {
        if !self.form.has(AGREE) {
            let problems = [(AGREE.to_owned(), "The privacy policy has to be agreed to.".to_owned())];
            return self.consent_form(&problems).await;
        }
        let (_, policy) = self.policy().await?;
        match self.pages.shared.app.person_agree(person, &policy).await {
            Ok(()) => Ok(go("/profile")),
            Err(PersonRefusal::Gone) => Ok(self.without_session("/sign-in?said=ended")),
            Err(PersonRefusal::Policies(failures)) => self.consent_form(&told(failures)).await,
            Err(PersonRefusal::Failed(error)) => Err(error),
            Err(PersonRefusal::WrongPassword) => Ok(unwell()),
        }
    }

    async fn profile_form(
        &self,
        person: &Person,
        problems: &[(String, String)],
    ) -> Result<Response, ApiError> {
        let (_, policy) = self.policy().await?;
        if person.agreed.as_deref() != Some(policy.as_str()) {
            return Ok(go("/consent"));
        }
        let (own, told): (Vec<_>, Vec<_>) = self
            .pages
            .shared
            .app
            .person_fields()
            .await?
            .into_iter()
            .partition(|field| is_own(field, &person.attributes));
        let mut facts = String::from("<dl>");
        for field in told {
            let value = shown(&person.attributes, &field.name);
            if !value.is_empty() {
                facts.push_str(&format!("<dt>{}</dt><dd>{}</dd>", text(&field.title), text(&value)));
            }
        }
        facts.push_str("</dl><h2>What you can change</h2>");
        let revision = if problems.is_empty() { person.rev.as_str() } else { self.form.text(REVISION) };
        let mut fields = format!("<input type=\"hidden\" name=\"{REVISION}\" value=\"{}\">", text(revision));
        for field in &own {
            let value = shown(&person.attributes, &field.name);
            let value = if problems.is_empty() { value.as_str() } else { self.form.text(&field.name) };
            fields.push_str(&field_of(field, value, problems));
        }
        let said = (self.query.text(SAID) == "saved").then_some("Your profile was saved.");
        let status = if problems.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
        Ok(Sheet::new("Your profile")
            .status(status)
            .said(said.filter(|_| problems.is_empty()))
            .wrong(problems)
            .add(&facts)
            .add(&form("/profile", &self.token(), &fields, "Save"))
            .add(&self.way_out(true))
            .into_response())
    }

    async fn change_profile(&self, person: &Person) -> Result<Response, ApiError> {
        let (_, policy) = self.policy().await?;
        if person.agreed.as_deref() != Some(policy.as_str()) {
            return Ok(go("/consent"));
        }
        let app = &self.pages.shared.app;
        let mut fields = app.person_fields().await?;
        fields.retain(|field| is_own(field, &person.attributes) && !self.is_untouched(field, person));
        let (mut values, mut problems) = self.values(&fields);
        for (name, value) in &mut values {
            as_lines_were(value, &shown(&person.attributes, name));
        }
        let stale = || {
            (String::new(), "Your profile was changed elsewhere in the meantime. Load the page again to see it as it is now.".to_owned())
        };
        if self.form.text(REVISION) != person.rev {
            problems.push(stale());
        }
        if !problems.is_empty() {
            return self.profile_form(person, &problems).await;
        }
        match app.person_change(person, values).await {
            Ok(()) => Ok(go("/profile?said=saved")),
            Err(PersonRefusal::Policies(failures)) => self.profile_form(person, &told(failures)).await,
            Err(PersonRefusal::Gone) => Ok(self.without_session("/sign-in?said=ended")),
            Err(PersonRefusal::Failed(error)) if error.code == ErrorCode::Stale => {
                self.profile_form(person, &[stale()]).await
            }
            Err(PersonRefusal::Failed(error)) => Err(error),
            Err(PersonRefusal::WrongPassword) => Ok(unwell()),
        }
    }

    fn password_form(&self, problems: &[(String, String)]) -> Sheet {
        let mut old = input(OLD, "Current password", "password", "", "current-password");
        old.problems = of(OLD, problems);
        let fields = format!("{}{}", old.markup(), password_fields(problems));
        let status = if problems.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
        Sheet::new("Change your password")
            .status(status)
            .wrong(problems)
            .add(&form("/password", &self.token(), &fields, "Change password"))
            .add("<nav><a href=\"/people/profile\">Back to your profile</a></nav>")
    }

    async fn change_password(&self, person: &Person) -> Result<Response, ApiError> {
        let mut problems = Problems::new();
        let password = self.new_password(&mut problems);
        if !problems.is_empty() {
            return Ok(self.password_form(&problems).into_response());
        }
        if self.pages.guesses.turn(self.peer).await.is_err() {
            return Ok(too_many());
        }
        let changed = {
            let _turn = self.pages.hashing.acquire().await;
            let old = Secret::new(self.form.text(OLD));
            self.pages.shared.app.person_change_password(person, old, password).await
        };
        match changed {
            Ok(()) => {
                self.pages.sessions.end_all_of(&person.id);
                Ok(self.without_session("/sign-in?said=password"))
            }
            Err(PersonRefusal::WrongPassword) => {
                if self.pages.guesses.missed(self.peer).await.is_err() {
                    return Ok(too_many());
                }
                let wrong = [(OLD.to_owned(), "The current password is wrong.".to_owned())];
                Ok(self.password_form(&wrong).into_response())
            }
            Err(PersonRefusal::Policies(failures)) => Ok(self.password_form(&told(failures)).into_response()),
            Err(PersonRefusal::Gone) => Ok(self.without_session("/sign-in?said=ended")),
            Err(PersonRefusal::Failed(error)) => Err(error),
        }
    }

    /// Whether a value came back as the form showed it: then nobody has changed it, whatever browsers make of line breaks and
    /// blanks.
    fn is_untouched(&self, field: &PersonField, person: &Person) -> bool {
        let (typed, shown) = (self.form.text(&field.name), shown(&person.attributes, &field.name));
        match field.form {
            PersonForm::Flag => (typed == "true") == (shown == "true"),
            // What is missing is told.
            _ if field.required && typed.trim().is_empty() => false,
            _ => in_lines(typed).trim() == in_lines(&shown).trim(),
        }
    }

    /// What was entered, and what of it cannot be.
    fn values(&self, fields: &[PersonField]) -> (Map<String, Value>, Problems) {
        let (mut values, mut problems) = (Map::new(), Problems::new());
        for field in fields {
            let typed = self.form.text(&field.name).trim();
            let value = match field.form {
                PersonForm::Flag => Value::Bool(typed == "true"),
                _ if typed.is_empty() => Value::Null,
                PersonForm::Text => typed.into(),
                PersonForm::Number => match typed.parse::<serde_json::Number>() {
                    Ok(number) => Value::Number(number),
                    Err(_) => {
                        problems.push((field.name.clone(), format!("{} must be a number.", field.title)));
                        continue;
                    }
                },
            };
            if field.required && value.is_null() {
                problems.push((field.name.clone(), format!("{} is required.", field.title)));
            }
            values.insert(field.name.clone(), value);
        }
        (values, problems)
    }

    fn new_password(&self, problems: &mut Problems) -> Secret {
        let (password, again) = (self.form.text(PASSWORD), self.form.text(AGAIN));
        if password.is_empty() {
            problems.push((PASSWORD.into(), "Password is required.".into()));
        } else if password != again {
            problems.push((AGAIN.into(), "The two passwords are not the same.".into()));
        }
        Secret::new(password)
    }

    fn way_out(&self, whole: bool) -> String {
        let out = form("/sign-out", &self.token(), "", "Sign out");
        let links = if whole {
            "<a href=\"/people/password\">Change your password</a> <a href=\"/people/privacy\">Privacy policy</a> "
        } else {
            ""
        };
        format!("<nav>{links}<div class=\"plain\">{out}</div></nav>")
    }
}

/// Whether it can be changed on the profile. The name to sign in with stays: who could try names there would learn which are taken.
/// A text that is longer than a form may send is shown and stays, too.
fn is_own(field: &PersonField, attributes: &Attributes) -> bool {
    let sent = in_lines(&shown(attributes, &field.name)).replace('\n', "\r\n");
    field.editable && field.name != NAME && sent.chars().count() <= LONGEST
}

/// A text whose lines end in one way, whatever a browser made of them.
fn in_lines(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n")
}

/// Lets the lines of a text end as those before it did; browsers send each with a carriage return.
fn as_lines_were(value: &mut Value, before: &str) {
    if let Value::String(text) = value
        && !before.contains("\r\n")
    {
        *text = text.replace("\r\n", "\n");
    }
}

fn registered() -> Response {
    Sheet::new("Sign in to your account")
        .paragraph("If the user name was free, your account is there now. Sign in with the user name and the password that you entered.")
        .paragraph("If signing in does not work, somebody else has the user name: nothing was changed, and you can create your account under another one.")
        .add("<nav><a href=\"/people/sign-in\">Sign in</a> <a href=\"/people/register\">Create an account</a></nav>")
        .into_response()
}

/// What becomes of people's data here, where nobody wrote a privacy policy.
fn what_happens(recipients: &[String]) -> String {
    let on = match recipients {
        [] => "It is not passed on to any other system.".to_owned(),
        names => format!("It is passed on to: {}.", names.join(", ")),
    };
    format!(
        "What you enter is kept as your user account on the computer that serves these pages. {on}\n\n\
         Your password is kept as a hash that it cannot be read from, and is passed on to nobody.\n\n\
         On your profile you can see what is kept and correct it. To have your account deleted, ask the administrator."
    )
}

fn told(failures: Vec<PolicyFailure>) -> Problems {
    failures.into_iter().map(|failure| (failure.property, failure.message)).collect()
}

fn of<'a>(name: &str, problems: &'a [(String, String)]) -> Vec<&'a str> {
    problems.iter().filter(|(field, _)| field == name).map(|(_, words)| words.as_str()).collect()
}

fn shown(attributes: &Attributes, name: &str) -> String {
    match attributes.get(name) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

fn input<'a>(
    name: &'a str,
    title: &'a str,
    kind: &'static str,
    value: &'a str,
    autocomplete: &'static str,
) -> Input<'a> {
    Input { name, title, kind, value, required: true, autocomplete, help: "", problems: Vec::new() }
}

fn field_of(field: &PersonField, value: &str, problems: &[(String, String)]) -> String {
    let (kind, autocomplete) = match (field.form, field.name.as_str()) {
        (PersonForm::Flag, _) => ("checkbox", ""),
        (PersonForm::Number, _) => ("text", ""),
        // A browser takes the line breaks out of what is in an `input`.
        (PersonForm::Text, _) if value.contains(['\r', '\n']) => (LINES, ""),
        (PersonForm::Text, "mail") => ("email", "email"),
        (PersonForm::Text, NAME) => ("text", "username"),
        (PersonForm::Text, "givenName") => ("text", "given-name"),
        (PersonForm::Text, "sn") => ("text", "family-name"),
        (PersonForm::Text, "telephoneNumber" | "mobilePhone") => ("tel", "tel"),
        (PersonForm::Text, "companyName") => ("text", "organization"),
        (PersonForm::Text, "title") => ("text", "organization-title"),
        (PersonForm::Text, "postalAddress") => ("text", "address-line1"),
        (PersonForm::Text, "address2") => ("text", "address-line2"),
        (PersonForm::Text, "city") => ("text", "address-level2"),
        (PersonForm::Text, "stateProvince") => ("text", "address-level1"),
        (PersonForm::Text, "postalCode") => ("text", "postal-code"),
        (PersonForm::Text, "country") => ("text", "country-name"),
        (PersonForm::Text, _) => ("text", ""),
    };
    Input {
        name: &field.name,
        title: &field.title,
        kind,
        value,
        required: field.required && field.form != PersonForm::Flag,
        autocomplete,
        help: field.about.as_deref().unwrap_or_default(),
        problems: of(&field.name, problems),
    }
    .markup()
}

fn password_fields(problems: &[(String, String)]) -> String {
    let mut password = input(PASSWORD, "Password", "password", "", "new-password");
    password.problems = of(PASSWORD, problems);
    let mut again = input(AGAIN, "Password again", "password", "", "new-password");
    again.problems = of(AGAIN, problems);
    format!("{}{}", password.markup(), again.markup())
}

fn agreement(problems: &[(String, String)]) -> String {
    let mut agree = input(AGREE, "I agree to the privacy policy", "checkbox", "", "");
    agree.problems = of(AGREE, problems);
    format!("{}<p><a href=\"/people/privacy\">Read the privacy policy</a></p>", agree.markup())
}

fn too_many() -> Response {
    let mut answer = problem(
        StatusCode::TOO_MANY_REQUESTS,
        "There were too many attempts. Please wait a minute and try again.",
    );
    answer.headers_mut().insert(header::RETRY_AFTER, 60.into());
    answer
}

fn unwell() -> Response {
    problem(StatusCode::INTERNAL_SERVER_ERROR, "Something is wrong here. Please try again later.")
}

/// What is wrong here is for the log, not for everybody.
fn failed(error: &ApiError) -> Response {
    tracing::error!(code = ?error.code, "a page of the self-service failed: {error}");
    unwell()
}
