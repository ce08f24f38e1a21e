//! Where adapters come from, and under which names they are mounted.

use std::fs;

use serde_json::json;

use super::support::{adapter, block};
use crate::harness::{Proxy, Setup};
use crate::python::support::{ids, ready, serve_setup, test_python, venv, wheel};

/// An adapter that answers its own name.
fn named(name: &str) -> String {
    format!(
        "from automate_connectors.adapters.base import ConnectorAdapter\n\
         class Adapter(ConnectorAdapter):\n    name = {name:?}\n    \
         def execute(self, action, payload):\n        return self.name\n"
    )
}

fn entry_points(name: &str, lines: &str) -> Vec<(String, String)> {
    let folder = format!("{name}-1.dist-info");
    let metadata = format!("Metadata-Version: 2.1\nName: {name}\nVersion: 1\n");
    let points = format!("[automate.connectors]\n{lines}\n");
    vec![
        (format!("{folder}/METADATA"), metadata),
        (format!("{folder}/entry_points.txt"), points),
    ]
}

/// An environment with a distribution of two adapters by entry points, one that cannot be imported, and
/// a package that registers its own.
async fn environment(setup: &Setup) {
    let packages = venv("python3", &setup.path().join(".venv")).await;
    let write = |name: &str, text: &str| {
        let path = packages.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write("many.py", &named("own"));
    write("broken.py", "raise RuntimeError(\"not today\")\n");
    for (name, text) in entry_points("many", "one = many:Adapter\ntwo = broken:Adapter") {
        write(&name, &text);
    }
    write("plain/__init__.py", "");
    let registers = "\nfrom automate_connectors.registry import connector_registry\n\
                     connector_registry.register(\"three\", Adapter)\n";
    write("plain/adapters.py", &(named("three") + registers));
    write(
        "plain/tests/test_it.py",
        "import automate_connectors\nraise SystemExit(1)\n",
    );
    write(
        "crashes.py",
        "import automate_connectors, os\nos._exit(3)\n",
    );
}

#[tokio::test]
async fn case_10_of_an_environment_what_cannot_be_loaded_is_named_and_the_rest_is_mounted() {
    let setup = Setup::new();
    environment(&setup).await;
    let config = "[automate]\nvenv = \".venv\"\n[connectors.one]\nactions = [\"greet\"]\n";
    let proxy = serve_setup(setup.config(config)).await;
    let problems = ready(&proxy).await.join("\n");
    assert!(
        problems.contains("two (adapter broken:Adapter)"),
        "{problems}"
    );
    assert!(problems.contains("not today"), "{problems}");
    assert!(
        problems.contains("crashes: importing it ended the process"),
        "{problems}"
    );
    assert!(!problems.contains("test_it"), "{problems}");
    assert_eq!(ids(&proxy, "one/").await, ["one/execute", "one/greet"]);
    assert_eq!(proxy.call("one/greet", json!({})).await.success(), "own");
    let answer = proxy.call("three/execute", json!({"action": "x"})).await;
    assert_eq!(answer.success(), "three");
    // Those of our own package are not among them.
    let ours = ids(&proxy, "logging/").await;
    assert!(!ours.contains(&"logging/execute".to_owned()), "{ours:?}");
}

#[tokio::test]
async fn modules_that_register_adapters_can_be_named() {
    let setup = Setup::new();
    environment(&setup).await;
    let config = "[automate]\nvenv = \".venv\"\nmodules = [\"plain.adapters\"]\n";
    let proxy = serve_setup(setup.config(config)).await;
    let problems = ready(&proxy).await.join("\n");
    assert!(!problems.contains("crashes"), "{problems}");
    assert_eq!(ids(&proxy, "three/").await, ["three/execute"]);
}

#[tokio::test]
async fn case_09_of_two_entry_points_of_one_name_the_first_is_served_and_the_other_named() {
    let setup = Setup::new();
    let packages = venv("python3", &setup.path().join(".venv")).await;
    for (distribution, module) in [("aaa", "first"), ("bbb", "second")] {
        fs::write(packages.join(format!("{module}.py")), named(module)).unwrap();
        for (name, text) in entry_points(distribution, &format!("same = {module}:Adapter")) {
            fs::create_dir_all(packages.join(&name).parent().unwrap()).unwrap();
            fs::write(packages.join(name), text).unwrap();
        }
    }
    let proxy = serve_setup(setup.config("[automate]\nvenv = \".venv\"\n")).await;
    let problems = ready(&proxy).await.join("\n");
    let answer = proxy
        .call("same/execute", json!({"action": "x"}))
        .await
        .success();
    let served = answer.as_str().unwrap();
    let other = if served == "first" { "second" } else { "first" };
    assert!(problems.contains(&format!("{other}:Adapter")), "{problems}");
    assert!(problems.contains("which is served"), "{problems}");
}

#[tokio::test]
async fn a_wheel_and_a_project_without_entry_points_are_mounted_one_by_one() {
    let setup = Setup::new();
    let project = setup.path().join("project");
    fs::create_dir_all(project.join("shop")).unwrap();
    fs::write(project.join("shop/__init__.py"), "").unwrap();
    fs::write(project.join("shop/adapters.py"), named("shop")).unwrap();
    let source = setup.path().join("source");
    fs::create_dir_all(source.join("crm")).unwrap();
    fs::write(source.join("crm/__init__.py"), named("crm")).unwrap();
    let folder = source.display().to_string();
    wheel(setup.path(), "crm", "1.0", &folder, &[]).await;
    let config = adapter("shop-one", "./project") + &adapter("wheel", "./crm-1.0-py3-none-any.whl");
    let proxy = serve_setup(setup.config(&config)).await;
    assert!(ready(&proxy).await.is_empty());
    let arguments = json!({"action": "x"});
    let shop = proxy.call("shop-one/execute", arguments.clone()).await;
    assert_eq!(shop.success(), "shop");
    assert_eq!(
        proxy.call("wheel/execute", arguments).await.success(),
        "crm"
    );
}

#[tokio::test]
async fn case_10_of_a_list_what_cannot_be_installed_is_named_and_the_rest_is_mounted() {
    let project = "[project]\nname = \"author\"\nversion = \"1\"\n\
                   [project.entry-points.\"automate.connectors\"]\nwritten = \"author:Adapter\"\n";
    let setup = Setup::new();
    fs::create_dir(setup.path().join("author")).unwrap();
    let setup = setup
        .file("author/pyproject.toml", project)
        .file("author/author.py", &named("written"))
        .env("PIP_NO_INDEX", "1");
    let install = "\"./author\", \"crosspoint-nope-zz\", \"./gone\"";
    let proxy = serve_setup(setup.config(&format!("[automate]\ninstall = [{install}]\n"))).await;
    let problems = ready(&proxy).await.join("\n");
    assert!(
        problems.contains("could not install crosspoint-nope-zz."),
        "{problems}"
    );
    assert!(problems.contains("there is no directory at"), "{problems}");
    let call = async |proxy: &Proxy| proxy.call("written/execute", json!({"action": "x"})).await;
    assert_eq!(call(&proxy).await.success(), "written");
    // What was left out is looked for again.
    let source = proxy.path().join("source");
    fs::create_dir_all(&source).unwrap();
    fs::write(source.join("late.py"), named("late")).unwrap();
    let (folder, wheels) = (source.display().to_string(), proxy.path().join("wheels"));
    fs::create_dir_all(&wheels).unwrap();
    wheel(&wheels, "crosspoint_nope_zz", "1.0", &folder, &[]).await;
    let setup = proxy.kill().await;
    let setup = setup.env("PIP_FIND_LINKS", wheels.display().to_string());
    let proxy = serve_setup(setup).await;
    let problems = ready(&proxy).await.join("\n");
    assert!(!problems.contains("crosspoint-nope-zz"), "{problems}");
    assert_eq!(ids(&proxy, "late/").await, ["late/execute"]);
    assert_eq!(call(&proxy).await.success(), "written");
}

#[tokio::test]
async fn a_table_of_an_adapter_that_is_not_there_is_told_with_the_nearest_name() {
    let setup = Setup::new();
    environment(&setup).await;
    let config = "[automate]\nvenv = \".venv\"\n[connectors.thee]\nidempotent = true\n\
                  [connectors.one]\nraw_credentials = true\n";
    let proxy = serve_setup(setup.config(config)).await;
    let told = "[connectors.thee] has no effect, since there is no connector of that name; \
                did you mean three?";
    let problems = ready(&proxy).await;
    assert!(problems.iter().any(|one| one == told), "{problems:?}");
    let other = problems.iter().any(|one| one.contains("[connectors.one]"));
    assert!(!other, "{problems:?}");
    proxy.log_line(&[told]).await;
    fs::write(
        proxy.path().join("crosspoint.toml"),
        config.replace("thee", "tree"),
    )
    .unwrap();
    let reloaded = proxy.run(&["reload"]).await;
    let said = reloaded.stdout + &reloaded.stderr;
    assert!(said.contains("[connectors.tree] has no effect"), "{said}");
}

#[tokio::test]
async fn several_adapters_of_one_table_have_its_name_in_front() {
    let file = named("own")
        + "class Other(Adapter):\n    name = \"other\"\n    \
           def execute(self, action, payload):\n        return 2\n";
    let setup = Setup::new().file("two.py", &file);
    let proxy = serve_setup(setup.config(&adapter("pair", "./two.py"))).await;
    assert_eq!(
        ids(&proxy, "pair").await,
        ["pair_other/execute", "pair_own/execute"]
    );
}

#[tokio::test]
async fn a_file_without_an_adapter_is_named_and_the_others_serve() {
    let setup = Setup::new()
        .file("nothing.py", "x = 1\n")
        .file("guide.py", &block("adapter.py"));
    let config = adapter("empty", "./nothing.py") + &adapter("mine", "./guide.py");
    let proxy = serve_setup(setup.config(&config)).await;
    let problems = ready(&proxy).await.join("\n");
    assert!(
        problems.contains("[connectors.empty]: no adapter was found"),
        "{problems}"
    );
    assert_eq!(ids(&proxy, "mine/").await.len(), 2);
}

#[tokio::test]
async fn what_keeps_an_adapter_from_loading_says_what_to_do() {
    let library = "import no_such_library_zz\n".to_owned();
    let provider = "from automate_connectors.base import Connector\n";
    let takes = "    def __init__(self, url):\n        self.url = url\n";
    let setup = Setup::new()
        .file("library.py", &(library.clone() + &named("library")))
        .file("single.py", &library)
        .file("provider.py", provider)
        .file("takes.py", &(named("takes") + takes));
    let config = ["library", "provider", "takes"]
        .map(|name| adapter(name, format!("./{name}.py")))
        .concat();
    let config = config + "[connectors.single]\npython = \"./single.py\"\n";
    let proxy = serve_setup(setup.config(&config)).await;
    let problems = ready(&proxy).await;
    let told = |name: &str, wanted: &str| {
        let about: Vec<_> = problems.iter().filter(|one| one.contains(name)).collect();
        assert_eq!(about.len(), 1, "{name}: {problems:?}");
        assert!(about[0].contains(wanted), "{problems:?}");
    };
    let brings = "extra_requirements = [\"no_such_library_zz\"]";
    told("library.py", brings);
    told("single", brings);
    told("provider.py", "give it execute(action, payload)");
    told("takes", "Adapter() needs arguments (url)");
}

#[tokio::test]
async fn the_installed_package_is_used_where_it_is_wanted() {
    let setup = Setup::new();
    let packages = venv(&test_python(), &setup.path().join(".venv")).await;
    let package = packages.join("automate_connectors");
    let real = "marker = \"installed\"\n";
    fs::create_dir_all(package.join("adapters")).unwrap();
    fs::write(package.join("__init__.py"), real).unwrap();
    fs::write(package.join("adapters/__init__.py"), "").unwrap();
    fs::write(
        package.join("adapters/base.py"),
        "from abc import ABC, abstractmethod\nclass ConnectorAdapter(ABC):\n    \
         @abstractmethod\n    def execute(self, action, input, ctx): ...\n",
    )
    .unwrap();
    let file = "import automate_connectors\nfrom automate_connectors.adapters.base import ConnectorAdapter\n\
                class Asks(ConnectorAdapter):\n    code = \"asks\"\n    \
                def execute(self, action, input, ctx):\n        \
                return [getattr(automate_connectors, \"marker\", \"ours\"), ctx[\"profile\"][\"encrypted_secrets\"]]\n";
    fs::write(packages.join("asking.py"), file).unwrap();
    for (name, text) in entry_points("asking", "asks = asking:Asks") {
        fs::create_dir_all(packages.join(&name).parent().unwrap()).unwrap();
        fs::write(packages.join(name), text).unwrap();
    }
    let config = |package: &str| {
        format!(
            "[automate]\nvenv = \".venv\"\npackage = \"{package}\"\n\
             [connectors.asks.profiles.p]\nsecrets = {{ k = \"canary-1\" }}\n"
        )
    };
    let proxy = serve_setup(setup.config(&config("installed"))).await;
    let asks = async |proxy: &Proxy| {
        let answer = proxy.call("asks/execute", json!({"action": "x"})).await;
        answer.success()
    };
    assert_eq!(asks(&proxy).await, json!(["installed", {"k": "canary-1"}]));
    let proxy = serve_setup(proxy.kill().await.config(&config("built-in"))).await;
    assert_eq!(asks(&proxy).await, json!(["ours", {"k": "canary-1"}]));
}

#[tokio::test]
async fn a_changed_adapter_takes_over_with_a_reload() {
    let setup = Setup::new().file("mine.py", &named("before"));
    let proxy = serve_setup(setup.config(&adapter("mine", "./mine.py"))).await;
    let call = async || {
        proxy
            .call("mine/execute", json!({"action": "x"}))
            .await
            .success()
    };
    assert_eq!(call().await, "before");
    fs::write(proxy.path().join("mine.py"), named("after")).unwrap();
    assert_eq!(proxy.run(&["reload"]).await.code, Some(0));
    assert_eq!(call().await, "after");
}
