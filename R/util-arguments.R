# What every exported function asks of its arguments before it looks at their values:
# those without a default are there, and none is unknown or abbreviated.

# Called first by every exported function that is no generic. `passed_on` names arguments
# that go on to another function through the dots; NULL if the dots must be empty.
check_arguments <- function(passed_on = NULL, class = NULL) {
  frame <- sys.parent()
  env <- parent.frame()
  fun <- sys.function(frame)
  check_required(fun, env, class)
  known <- setdiff(names(formals(fun)), "...")
  given <- given_names(sys.call(frame), parent.frame(2))
  unknown <- setdiff(given, c("", known, passed_on))
  spare <- if ("..." %in% names(formals(fun))) dots_names(env)
  if (length(unknown) == 0 && "" %in% spare) unknown <- ""
  if (length(unknown) > 0) abort_unknown(unknown, union(known, passed_on), class, env)
}

abort_unknown <- function(names, known, class, call) {
  what <- names[1]
  setting <- "control" %in% known && what %in% names(formals(vgfm_control))
  parameter <- "method" %in% known && what %in% method_settings
  abort_input(
    c(if (what == "") "An argument has no name and no place." else
        "Unknown argument: {.val {what}}.",
      i = if (setting) "Settings go into {.code control = vgfm_control({what} = )}.",
      i = if (parameter)
        "Parameters go into {.code method = vgfm_method(\"vgfm\", {what} = )}.",
      i = if (length(known) > 0)
        "{cli::qty(known)}There {?is/are} {.arg {in_full(known)}}.",
      i = if (any(abbreviates(what, known))) "Names are to be written in full."),
    arg = what, class = c(class, "vgfm_error_argument"), call = call
  )
}

# An argument that is given but not used, in a call such as this, would be ignored without
# a word. `given`: whether it is; `used`: in which calls it is of use, in words.
check_idle <- function(arg, given, used, call = rlang::caller_env()) {
  if (given) {
    abort_input(
      c("{.arg {arg}} is given, but this call makes no use of it.",
        i = paste0("It counts ", used, ".")),
      arg = arg, class = "vgfm_error_argument", call = call
    )
  }
}

# Which names R would take for the beginning of a known one.
abbreviates <- function(names, known) {
  vapply(names, function(name) {
    name != "" && !name %in% known && any(startsWith(known, name))
  }, NA, USE.NAMES = FALSE)
}

# The names of the arguments as the call has them, "" for none. What it passes on as `...`
# has the names that its `caller` was given.
given_names <- function(call, caller) {
  values <- as.list(call)[-1]
  passed <- vapply(values, identical, NA, quote(...))
  given <- rlang::names2(values)[!passed]
  if (any(passed)) c(given, dots_names(caller)) else given
}

# The names of what a frame has as `...`, without evaluating it.
dots_names <- function(env) {
  rlang::names2(as.list(eval(quote(substitute(list(...))), env))[-1])
}

# Arguments without a default. Generics call it before they dispatch.
check_required <- function(fun = sys.function(sys.parent()), env = parent.frame(),
                           class = NULL) {
  needed <- Filter(rlang::is_missing, as.list(formals(fun)))
  needed <- setdiff(names(needed), "...")
  absent <- vapply(needed, function(name) {
    eval(call("missing", as.name(name)), env)
  }, NA)
  if (any(absent)) {
    absent <- needed[absent]
    abort_input(
      c("{.arg {absent}} {?is/are} missing, with no default.",
        i = "{cli::qty(needed)}Needed {?is/are} {.arg {needed}}."),
      arg = absent[1], class = c(class, "vgfm_error_argument"), call = env
    )
  }
}

# The same for what an internal function has in its dots, on behalf of the user's `call`.
check_spare <- function(..., known, call) {
  given <- rlang::names2(as.list(substitute(list(...)))[-1])
  known <- setdiff(known, c("...", "call"))
  if (length(given) > 0) abort_unknown(given, known, NULL, call)
}

# What is fitted stands in the method; control says how hard.
method_settings <- c("epsilon", "tau", "noise", "bend", "pooling", "sigma", "delta",
                     "prior_strength", "growth_time")
