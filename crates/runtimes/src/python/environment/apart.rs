//! What is left of a recipe when a part of it cannot be had: the other sources are.

use serde::{Deserialize, Serialize};

use super::build::Build;
use super::error::EnvironmentError;
use super::keep::Generation;
use super::plan::Plan;
use super::recipe::Recipe;
use super::source::Source;
use super::store::Environments;

/// A source that is not in an environment though it was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct LeftOut {
    /// As it is shown, without credentials.
    pub(super) source: String,
    /// Why, as a sentence.
    pub(super) why: String,
}

/// A recipe that can be planned, and what had to be left out for that.
pub(super) struct Asked {
    pub(super) recipe: Recipe,
    pub(super) plan: Plan,
    pub(super) left_out: Vec<LeftOut>,
}

/// What came of building.
pub(super) struct Made {
    /// Its name and version.
    pub(super) tool: String,
    pub(super) left_out: Vec<LeftOut>,
}

// === impl LeftOut ===

impl LeftOut {
    /// An installation that failed was one of several sources, and this one is to blame.
    fn new(source: &Source, error: EnvironmentError) -> LeftOut {
        let source = source.to_string();
        let why = match error {
            EnvironmentError::Unresolvable { tool, words, .. } => EnvironmentError::Unresolvable {
                asked: source.clone(),
                tool,
                words,
            },
            error => error,
        };
        LeftOut {
            why: why.to_string(),
            source,
        }
    }
}

// === impl Environments ===

impl Environments {
    /// The plan of a recipe without those sources that cannot be planned, such as a directory that
    /// is not there. Fails where none can be.
    pub(super) async fn what_can_be_planned(
        &self,
        recipe: &Recipe,
    ) -> Result<Asked, EnvironmentError> {
        let first = match self.plan(recipe).await {
            Ok(plan) => {
                return Ok(Asked {
                    recipe: recipe.clone(),
                    plan,
                    left_out: Vec::new(),
                });
            }
            Err(error) => error,
        };
        let (mut kept, mut left_out) = (Vec::new(), Vec::new());
        for source in &recipe.sources {
            match self.plan(&recipe.with(vec![source.clone()])).await {
                Ok(_) => kept.push(source.clone()),
                Err(error) if error.is_about_a_source() => {
                    left_out.push(LeftOut::new(source, error));
                }
                Err(error) => return Err(error),
            }
        }
        if kept.is_empty() {
            return Err(first);
        }
        let recipe = recipe.with(kept);
        Ok(Asked {
            plan: self.plan(&recipe).await?,
            recipe,
            left_out,
        })
    }

    /// Builds all that is asked for, or what of it can be installed together. An upgrade of a whole
    /// environment to a part of it would be none, and fails.
    pub(super) async fn make(
        &self,
        asked: &Asked,
        build: &Build<'_>,
        last: Option<&Generation>,
    ) -> Result<Made, EnvironmentError> {
        match build.run().await {
            Ok(tool) => Ok(Made {
                tool,
                left_out: Vec::new(),
            }),
            Err(error)
                if error.is_about_a_source()
                    && asked.recipe.sources.len() > 1
                    && last.is_none_or(Generation::is_partial) =>
            {
                self.make_apart(asked, build, error).await
            }
            Err(error) => Err(error),
        }
    }

    /// Adds one source after the other, and leaves out those that cannot be installed with the ones
    /// before. `failed` is what all of them together came to.
    async fn make_apart(
        &self,
        asked: &Asked,
        build: &Build<'_>,
        failed: EnvironmentError,
    ) -> Result<Made, EnvironmentError> {
        build
            .progress
            .step("that failed; adding one source after the other, to see which can be installed");
        let (mut kept, mut left_out): (Vec<Source>, Vec<LeftOut>) = (Vec::new(), Vec::new());
        let mut there: Option<(String, String)> = None;
        let mut spoilt = false;
        for source in &asked.recipe.sources {
            let mut next = kept.clone();
            next.push(source.clone());
            if next.len() == asked.recipe.sources.len() {
                // All of them together have been tried.
                break;
            }
            let plan = self.plan(&asked.recipe.with(next.clone())).await?;
            // Used from source, it needs nothing that is not there.
            if there.as_ref().is_none_or(|(key, _)| *key != plan.key) {
                match build.again(&plan).await {
                    Ok(tool) => (there, spoilt) = (Some((plan.key, tool)), false),
                    Err(error) if error.is_about_a_source() => {
                        left_out.push(LeftOut::new(source, error));
                        spoilt = true;
                        continue;
                    }
                    Err(error) => return Err(error),
                }
            }
            kept = next;
        }
        let tool = match there {
            None => return Err(failed),
            Some(_) if spoilt => {
                let plan = self.plan(&asked.recipe.with(kept)).await?;
                build.again(&plan).await?
            }
            Some((_, tool)) => tool,
        };
        if let (true, Some(last)) = (left_out.is_empty(), asked.recipe.sources.last()) {
            left_out.push(LeftOut::new(last, failed));
        }
        Ok(Made { tool, left_out })
    }

    /// The plan of what is there when these could not be installed, and all that was left out. It is
    /// watched and kept as a whole, so that a mended source is noticed.
    pub(super) async fn plan_without(
        &self,
        asked: Asked,
        left_out: &[LeftOut],
    ) -> Result<(Plan, Vec<LeftOut>), EnvironmentError> {
        let mut all = asked.left_out;
        if left_out.is_empty() {
            return Ok((asked.plan, all));
        }
        all.extend_from_slice(left_out);
        let is_kept = |source: &&Source| {
            let shown = source.to_string();
            left_out.iter().all(|one| one.source != shown)
        };
        let kept = asked.recipe.sources.iter().filter(is_kept);
        let kept = asked.recipe.with(kept.cloned().collect());
        let plan = Plan {
            key: asked.plan.key,
            watched: asked.plan.watched,
            ..self.plan(&kept).await?
        };
        Ok((plan, all))
    }
}
