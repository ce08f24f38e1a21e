//! `crosspoint auth`: authorises profiles at providers of OAuth. The running server does the work,
//! since browsers come back to it. Where none runs, what the store keeps is listed and forgotten.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use crosspoint_broker::cabinet::{Cabinet, Drawer};
use crosspoint_broker::ledger::Store;
use crosspoint_broker::oauth::Authorised;
use crosspoint_broker::profiles::ProfileId;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::wait_for;
use crate::cli::{AuthCommand, FAILED, ForgetArgs, JsonArgs, LoginArgs};
use crate::config::Loaded;
use crate::control::{self, Answer, Request};
use crate::{actor, show, wire};

/// How long a person has, and how often the server is asked whether it is done.
const PATIENCE: Duration = Duration::from_secs(600);
const LOOK: Duration = Duration::from_millis(500);

/// A grant as the server tells it.
#[derive(Debug, Deserialize)]
struct Grant {
    profile: String,
    auth: String,
    authorised: i64,
    expires: Option<i64>,
    refreshable: bool,
    by: Option<String>,
    dead: Option<String>,
}

/// Lists, authorises or forgets.
pub fn run(file: &Option<PathBuf>, command: AuthCommand) -> Result<ExitCode> {
    let loaded = match wire::Options::of(file).load_unfollowed() {
        Ok(loaded) => loaded,
        Err(problems) => return Ok(show::problems(&problems)),
    };
    wait_for(async {
        match command {
            AuthCommand::List(args) => list(&loaded, &args).await,
            AuthCommand::Login(args) => login(&loaded, args).await,
            AuthCommand::Forget(args) => forget(&loaded, args).await,
        }
    })
}

async fn ask(loaded: &Loaded, request: Request) -> Result<Answer> {
    control::ask(&loaded.config.data_dir.0, request).await
}

/// What is granted, by the server that runs; else by the store.
async fn grants(loaded: &Loaded) -> Result<(Vec<Grant>, Value)> {
    let asked = control::ask_if_there(&loaded.config.data_dir.0, Request::Grants).await?;
    let json: Value = match asked {
        Some(answer) if answer.done => {
            serde_json::from_str(&answer.text).context("reading the answer")?
        }
        Some(answer) => bail!("{}", answer.text),
        None => of_store(loaded).await?,
    };
    let grants = serde_json::from_value(json.clone()).context("reading the answer")?;
    Ok((grants, json))
}

async fn of_store(loaded: &Loaded) -> Result<Value> {
    let store = match wire::ledger::open(loaded, false).await {
        Ok(Some(store)) => store,
        // Nobody has granted anything yet.
        Ok(None) => return Ok(Value::Array(Vec::new())),
        Err(error) if wire::ledger::is_missing(&error) => return Ok(Value::Array(Vec::new())),
        Err(error) => return Err(error),
    };
    let items = Cabinet::list(&*store, Drawer::Grant).await;
    store.close().await;
    let items = items.context("reading what is authorised")?;
    Ok(wire::desk::granted(items.iter().filter_map(Authorised::of)))
}

async fn list(loaded: &Loaded, args: &JsonArgs) -> Result<ExitCode> {
    let (grants, json) = grants(loaded).await?;
    if args.json {
        println!("{json:#}");
        return Ok(ExitCode::SUCCESS);
    }
    if grants.is_empty() {
        println!("Nothing is authorised yet: crosspoint auth login <connector>/<profile>");
    }
    let widest = |text: fn(&Grant) -> &str| grants.iter().map(|g| text(g).len()).max();
    let (profiles, auths) = (widest(|g| &g.profile), widest(|g| &g.auth));
    for grant in &grants {
        println!(
            "{:<profiles$}  {:<auths$}  {}",
            grant.profile,
            grant.auth,
            state(grant),
            profiles = profiles.unwrap_or_default(),
            auths = auths.unwrap_or_default(),
        );
    }
    Ok(ExitCode::SUCCESS)
}

fn state(grant: &Grant) -> String {
    if let Some(why) = &grant.dead {
        let (why, profile) = (show::plain(why), &grant.profile);
        return format!("DEAD ({why}): crosspoint auth login {profile}");
    }
    let until = grant
        .expires
        .and_then(|ms| Timestamp::from_millisecond(ms).ok());
    let until = until.map(|until| format!("until {until:.0}"));
    let until = until.unwrap_or_else(|| "no end known".to_owned());
    let refreshed = match grant.refreshable {
        true => ", then refreshed",
        false => "",
    };
    let by = grant
        .by
        .as_ref()
        .map(|by| format!(", by {}", show::plain(by)));
    format!("{until}{refreshed}{}", by.unwrap_or_default())
}

async fn login(loaded: &Loaded, args: LoginArgs) -> Result<ExitCode> {
    let before = authorised(loaded, &args.profile).await?;
    let request = Request::Authorise {
        profile: args.profile.to_string(),
        auth: args.auth,
        by: actor::user(),
    };
    let answer = ask(loaded, request).await?;
    if !answer.done {
        return Ok(refused(&answer));
    }
    if args.no_wait {
        println!("{}", answer.text);
        return Ok(ExitCode::SUCCESS);
    }
    println!(
        "Open this address in a browser, within ten minutes:\n\n  {}\n",
        answer.text
    );
    let waiting = show::Waiting::new(format!("waiting until {} is authorised", args.profile));
    let done = tokio::select! {
        done = wait(loaded, &args.profile, before) => done?,
        never = waiting.show() => match never {},
    };
    drop(waiting);
    match done {
        true => {
            println!("{} is authorised.", args.profile);
            Ok(ExitCode::SUCCESS)
        }
        false => {
            eprintln!("{} was not authorised in time: begin again", args.profile);
            Ok(ExitCode::from(FAILED))
        }
    }
}

async fn wait(loaded: &Loaded, profile: &ProfileId, before: Option<i64>) -> Result<bool> {
    let end = Instant::now() + PATIENCE;
    while Instant::now() < end {
        sleep(LOOK).await;
        if authorised(loaded, profile).await? > before {
            return Ok(true);
        }
    }
    Ok(false)
}

/// When a profile was authorised last.
async fn authorised(loaded: &Loaded, profile: &ProfileId) -> Result<Option<i64>> {
    let (grants, _) = grants(loaded).await?;
    let profile = profile.to_string();
    let grant = grants.into_iter().find(|grant| grant.profile == profile);
    Ok(grant.map(|grant| grant.authorised))
}

async fn forget(loaded: &Loaded, args: ForgetArgs) -> Result<ExitCode> {
    let request = Request::ForgetGrant {
        profile: args.profile.to_string(),
        by: actor::user(),
    };
    let answer = match control::ask_if_there(&loaded.config.data_dir.0, request).await? {
        Some(answer) => answer,
        None => forget_in_store(loaded, &args.profile).await?,
    };
    if !answer.done {
        return Ok(refused(&answer));
    }
    println!("{}", answer.text);
    Ok(ExitCode::SUCCESS)
}

async fn forget_in_store(loaded: &Loaded, profile: &ProfileId) -> Result<Answer> {
    let store = match wire::ledger::open(loaded, false).await {
        Ok(Some(store)) => store,
        Ok(None) => return Ok(wire::desk::forgotten(profile, false)),
        Err(error) if wire::ledger::is_missing(&error) => {
            return Ok(wire::desk::forgotten(profile, false));
        }
        Err(error) => return Err(error),
    };
    let id = profile.to_string();
    let done = async {
        let there = store.remove(Drawer::Grant, &id).await?;
        if there {
            actor::record(&*store, "auth.forget", &id, None).await?;
        }
        anyhow::Ok(there)
    };
    let done = done.await;
    store.close().await;
    Ok(wire::desk::forgotten(profile, done?))
}

fn refused(answer: &Answer) -> ExitCode {
    eprintln!("error: {}", show::plain(&answer.text));
    ExitCode::from(FAILED)
}
