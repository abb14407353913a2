"""Three queries for each language, in tree-sitter's own notation.

`SYMBOLS`: what has a name, with its `@name` (or `@declarator`, in which the name is found),
`@body`, and for Go `@owner`. The capture's name is the symbol's kind. `MARKS`: what decides which
tests are worth having (`@comparison`, `@null`, `@raise`, `@catch`, `@loop`, `@async`), and what
adds a path (`@branch`). `LAYOUT`: what does not count when texts are compared (`@comment`), or
counts letter by letter (`@string`).
"""

from dataclasses import dataclass

_PY_SYMBOLS = """
(function_definition name: (_) @name body: (_) @body) @function
(class_definition name: (_) @name body: (_) @body) @class
"""
_PY_LAYOUT = """
(comment) @comment
(block . (expression_statement (string) @comment))
(string) @string
"""
_PY_MARKS = """
(comparison_operator) @comparison
(none) @null
(raise_statement) @raise
(assert_statement) @raise
(except_clause) @catch
(for_statement) @loop
(while_statement) @loop
(for_in_clause) @loop
(await) @async
"async" @async
[(if_statement) (elif_clause) (for_statement) (while_statement) (except_clause) (case_clause)
 (conditional_expression) (boolean_operator) (for_in_clause) (if_clause)] @branch
"""

_JS_SYMBOLS = """
(function_declaration name: (_) @name body: (_) @body) @function
(generator_function_declaration name: (_) @name body: (_) @body) @function
(class_declaration name: (_) @name body: (_) @body) @class
(method_definition name: (_) @name body: (_) @body) @method
(variable_declarator name: (identifier) @name
  value: [(arrow_function body: (_) @body) (function_expression body: (_) @body)]) @function
(assignment_expression left: (member_expression property: (_) @name)
  right: [(arrow_function body: (_) @body) (function_expression body: (_) @body)]) @function
(pair key: (property_identifier) @name
  value: [(arrow_function body: (_) @body) (function_expression body: (_) @body)]) @method
(call_expression function: (identifier) @case_word
  arguments: (arguments . (string) @name [(arrow_function) (function_expression)])
  (#any-of? @case_word "it" "test" "describe" "specify" "context")) @case
"""
_JS_FIELD = """
(field_definition property: (_) @name
  value: [(arrow_function body: (_) @body) (function_expression body: (_) @body)]) @method
"""
_TS_SYMBOLS = (
    _JS_SYMBOLS
    + """
(public_field_definition name: (_) @name
  value: [(arrow_function body: (_) @body) (function_expression body: (_) @body)]) @method
(abstract_class_declaration name: (_) @name body: (_) @body) @class
(interface_declaration name: (_) @name body: (_) @body) @interface
(enum_declaration name: (_) @name body: (_) @body) @enum
(type_alias_declaration name: (_) @name) @type
(internal_module name: (_) @name body: (_) @body) @module
(function_signature name: (_) @name) @function
(abstract_method_signature name: (_) @name) @method
(method_signature name: (_) @name) @method
"""
)
_JS_LAYOUT = """
(comment) @comment
[(string) (template_string) (regex)] @string
"""
_JS_MARKS = """
(binary_expression operator: ["<" "<=" ">" ">=" "==" "===" "!=" "!=="]) @comparison
[(null) (undefined)] @null
(throw_statement) @raise
(catch_clause) @catch
[(for_statement) (for_in_statement) (while_statement) (do_statement)] @loop
(await_expression) @async
"async" @async
[(if_statement) (for_statement) (for_in_statement) (while_statement) (do_statement)
 (catch_clause) (switch_case) (ternary_expression)] @branch
(binary_expression operator: ["&&" "||" "??"]) @branch
"""

_GO_SYMBOLS = """
(function_declaration name: (_) @name body: (_) @body) @function
(method_declaration receiver: (_) @owner name: (_) @name body: (_) @body) @method
(type_declaration (type_spec name: (_) @name type: (struct_type))) @struct
(type_declaration (type_spec name: (_) @name type: (interface_type))) @interface
"""
_GO_LAYOUT = """
(comment) @comment
[(interpreted_string_literal) (raw_string_literal) (rune_literal)] @string
"""
_GO_MARKS = """
(binary_expression operator: ["<" "<=" ">" ">=" "==" "!="]) @comparison
(nil) @null
(call_expression function: (identifier) @_panic (#eq? @_panic "panic")) @raise
(call_expression function: (identifier) @_recover (#eq? @_recover "recover")) @catch
(for_statement) @loop
[(go_statement) (select_statement) (send_statement) (receive_statement)] @async
[(if_statement) (for_statement) (expression_case) (type_case) (communication_case)] @branch
(binary_expression operator: ["&&" "||"]) @branch
"""

_JAVA_SYMBOLS = """
(method_declaration name: (_) @name body: (_)? @body) @method
(constructor_declaration name: (_) @name body: (_) @body) @method
(compact_constructor_declaration name: (_) @name body: (_) @body) @method
(class_declaration name: (_) @name body: (_) @body) @class
(record_declaration name: (_) @name body: (_) @body) @class
(interface_declaration name: (_) @name body: (_) @body) @interface
(enum_declaration name: (_) @name body: (_) @body) @enum
"""
_JAVA_LAYOUT = """
[(line_comment) (block_comment)] @comment
[(string_literal) (character_literal)] @string
"""
_JAVA_MARKS = """
(binary_expression operator: ["<" "<=" ">" ">=" "==" "!="]) @comparison
(null_literal) @null
(throw_statement) @raise
(catch_clause) @catch
[(for_statement) (enhanced_for_statement) (while_statement) (do_statement)] @loop
(synchronized_statement) @async
[(if_statement) (for_statement) (enhanced_for_statement) (while_statement) (do_statement)
 (catch_clause) (switch_label) (ternary_expression)] @branch
(binary_expression operator: ["&&" "||"]) @branch
"""

_RUBY_SYMBOLS = """
(method name: (_) @name) @method
(singleton_method name: (_) @name) @method
(class name: (_) @name) @class
(module name: (_) @name) @module
(call method: (identifier) @case_word arguments: (argument_list . (string) @name)
  block: (_) (#any-of? @case_word "it" "specify" "describe" "context" "test" "should")) @case
"""
_RUBY_LAYOUT = """
(comment) @comment
[(string) (symbol_array) (string_array) (regex) (heredoc_body)] @string
"""
_RUBY_MARKS = """
(binary operator: ["<" "<=" ">" ">=" "==" "!=" "<=>" "==="]) @comparison
(nil) @null
(call method: (identifier) @_nil (#any-of? @_nil "nil?" "blank?" "present?")) @null
(call method: (identifier) @_raise (#any-of? @_raise "raise" "fail")) @raise
(rescue) @catch
[(while) (until) (for)] @loop
(call method: (identifier) @_loop
  (#any-of? @_loop "each" "map" "loop" "times" "each_with_index" "select" "reject" "reduce")) @loop
[(if) (unless) (elsif) (while) (until) (for) (rescue) (when) (conditional) (if_modifier)
 (unless_modifier) (while_modifier) (until_modifier)] @branch
(binary operator: ["&&" "||" "and" "or"]) @branch
"""

_RUST_SYMBOLS = """
(function_item name: (_) @name body: (_) @body) @function
(function_signature_item name: (_) @name) @function
(struct_item name: (_) @name) @struct
(enum_item name: (_) @name body: (_) @body) @enum
(trait_item name: (_) @name body: (_) @body) @trait
(impl_item type: (_) @name body: (_) @body) @impl
(mod_item name: (_) @name body: (_) @body) @module
(macro_definition name: (_) @name) @function
"""
_RUST_LAYOUT = """
[(line_comment) (block_comment)] @comment
[(string_literal) (raw_string_literal) (char_literal)] @string
"""
_RUST_MARKS = """
(binary_expression operator: ["<" "<=" ">" ">=" "==" "!="]) @comparison
((identifier) @null (#eq? @null "None"))
((field_identifier) @_opt (#any-of? @_opt "is_none" "is_some" "unwrap" "unwrap_or")) @null
(macro_invocation macro: (identifier) @_panic
  (#any-of? @_panic "panic" "unreachable" "todo" "assert" "assert_eq" "bail" "ensure")) @raise
((identifier) @raise (#eq? @raise "Err"))
(try_expression) @catch
[(for_expression) (while_expression) (loop_expression)] @loop
[(await_expression) (async_block)] @async
"async" @async
[(if_expression) (for_expression) (while_expression) (loop_expression) (match_arm)
 (try_expression)] @branch
(binary_expression operator: ["&&" "||"]) @branch
"""

_C_SYMBOLS = """
(function_definition declarator: (_) @declarator body: (_) @body) @function
(struct_specifier name: (_) @name body: (_) @body) @struct
(union_specifier name: (_) @name body: (_) @body) @struct
(enum_specifier name: (_) @name body: (_) @body) @enum
(type_definition type: (struct_specifier body: (_) @body)
  declarator: (type_identifier) @name) @struct
(preproc_function_def name: (_) @name) @function
"""
_CPP_SYMBOLS = (
    _C_SYMBOLS
    + """
(class_specifier name: (_) @name body: (_) @body) @class
(namespace_definition name: (_) @name body: (_) @body) @module
(declaration declarator: (init_declarator declarator: (identifier) @name
  value: (lambda_expression body: (_) @body))) @function
"""
)
_C_LAYOUT = """
(comment) @comment
[(string_literal) (char_literal) (system_lib_string)] @string
"""
_C_MARKS = """
(binary_expression operator: ["<" "<=" ">" ">=" "==" "!="]) @comparison
(null) @null
(goto_statement) @raise
[(for_statement) (while_statement) (do_statement)] @loop
[(if_statement) (for_statement) (while_statement) (do_statement) (case_statement)
 (conditional_expression)] @branch
(binary_expression operator: ["&&" "||"]) @branch
"""
_CPP_LAYOUT = (
    _C_LAYOUT
    + """
(raw_string_literal) @string
"""
)
_CPP_MARKS = (
    _C_MARKS
    + """
(throw_statement) @raise
(catch_clause) @catch
(for_range_loop) @loop
[(co_await_expression) (co_yield_statement) (co_return_statement)] @async
[(for_range_loop) (catch_clause)] @branch
"""
)

_CSHARP_SYMBOLS = """
(method_declaration name: (_) @name body: (_)? @body) @method
(constructor_declaration name: (_) @name body: (_)? @body) @method
(local_function_statement name: (_) @name body: (_)? @body) @function
(property_declaration name: (_) @name accessors: (_)? @body) @property
(class_declaration name: (_) @name body: (_) @body) @class
(struct_declaration name: (_) @name body: (_) @body) @struct
(record_declaration name: (_) @name) @class
(interface_declaration name: (_) @name body: (_) @body) @interface
(enum_declaration name: (_) @name body: (_) @body) @enum
(namespace_declaration name: (_) @name body: (_) @body) @module
"""
_CSHARP_LAYOUT = """
(comment) @comment
[(string_literal) (verbatim_string_literal) (raw_string_literal) (character_literal)
 (interpolated_string_expression)] @string
"""
_CSHARP_MARKS = """
(binary_expression operator: ["<" "<=" ">" ">=" "==" "!="]) @comparison
(null_literal) @null
[(throw_statement) (throw_expression)] @raise
(catch_clause) @catch
[(for_statement) (foreach_statement) (while_statement) (do_statement)] @loop
(await_expression) @async
[(if_statement) (for_statement) (foreach_statement) (while_statement) (do_statement)
 (catch_clause) (switch_section) (switch_expression_arm) (conditional_expression)] @branch
(binary_expression operator: ["&&" "||" "??"]) @branch
"""

_PHP_SYMBOLS = """
(function_definition name: (_) @name body: (_) @body) @function
(method_declaration name: (_) @name body: (_)? @body) @method
(class_declaration name: (_) @name body: (_) @body) @class
(interface_declaration name: (_) @name body: (_) @body) @interface
(trait_declaration name: (_) @name body: (_) @body) @trait
(enum_declaration name: (_) @name body: (_) @body) @enum
(assignment_expression left: (variable_name) @name
  right: [(anonymous_function body: (_) @body) (arrow_function body: (_) @body)]) @function
"""
_PHP_LAYOUT = """
(comment) @comment
[(string) (encapsed_string) (heredoc) (nowdoc)] @string
"""
_PHP_MARKS = """
(binary_expression operator: ["<" "<=" ">" ">=" "==" "===" "!=" "!==" "<=>"]) @comparison
(null) @null
(throw_expression) @raise
(catch_clause) @catch
[(for_statement) (foreach_statement) (while_statement) (do_statement)] @loop
[(if_statement) (else_if_clause) (for_statement) (foreach_statement) (while_statement)
 (do_statement) (catch_clause) (case_statement) (match_conditional_expression)
 (conditional_expression)] @branch
(binary_expression operator: ["&&" "||" "??" "and" "or"]) @branch
"""

_KOTLIN_SYMBOLS = """
(function_declaration name: (_) @name) @function
(class_declaration name: (_) @name) @class
(object_declaration name: (_) @name) @class
(secondary_constructor) @method
"""
_KOTLIN_LAYOUT = """
[(line_comment) (block_comment)] @comment
[(string_literal) (multiline_string_literal) (character_literal)] @string
"""
_KOTLIN_MARKS = """
(binary_expression operator: ["<" "<=" ">" ">=" "==" "===" "!=" "!=="]) @comparison
((identifier) @null (#eq? @null "null"))
(throw_expression) @raise
(catch_block) @catch
[(for_statement) (while_statement) (do_while_statement)] @loop
((function_modifier) @async (#eq? @async "suspend"))
[(if_expression) (for_statement) (while_statement) (do_while_statement) (catch_block)
 (when_entry)] @branch
(binary_expression operator: ["&&" "||" "?:"]) @branch
"""

_SCALA_SYMBOLS = """
(function_definition name: (_) @name body: (_) @body) @function
(function_declaration name: (_) @name) @function
(class_definition name: (_) @name) @class
(object_definition name: (_) @name) @class
(trait_definition name: (_) @name) @trait
(enum_definition name: (_) @name) @enum
"""
_SCALA_LAYOUT = """
[(comment) (block_comment)] @comment
[(string) (interpolated_string) (character_literal)] @string
"""
_SCALA_MARKS = """
((operator_identifier) @comparison
  (#any-of? @comparison "<" "<=" ">" ">=" "==" "!=" "eq" "ne"))
(null_literal) @null
((identifier) @null (#eq? @null "None"))
(throw_expression) @raise
(catch_clause) @catch
[(for_expression) (while_expression) (do_while_expression)] @loop
((identifier) @async (#eq? @async "Future"))
[(if_expression) (for_expression) (while_expression) (case_clause)] @branch
((operator_identifier) @branch (#any-of? @branch "&&" "||"))
"""

_BASH_SYMBOLS = """
(function_definition name: (_) @name body: (_) @body) @function
"""
_BASH_LAYOUT = """
(comment) @comment
[(string) (raw_string) (heredoc_body) (ansi_c_string)] @string
"""
_BASH_MARKS = """
(test_command) @comparison
((test_operator) @null (#any-of? @null "-z" "-n"))
((command_name) @raise (#any-of? @raise "exit" "return"))
((command_name) @catch (#eq? @catch "trap"))
[(for_statement) (while_statement) (c_style_for_statement)] @loop
[(if_statement) (elif_clause) (for_statement) (while_statement) (c_style_for_statement)
 (case_item)] @branch
(list ["&&" "||"]) @branch
"""


@dataclass(frozen=True, slots=True)
class Queries:
    """The queries of a language."""

    symbols: str
    marks: str
    layout: str


QUERIES = {
    "python": Queries(_PY_SYMBOLS, _PY_MARKS, _PY_LAYOUT),
    "javascript": Queries(_JS_SYMBOLS + _JS_FIELD, _JS_MARKS, _JS_LAYOUT),
    "typescript": Queries(_TS_SYMBOLS, _JS_MARKS, _JS_LAYOUT),
    "go": Queries(_GO_SYMBOLS, _GO_MARKS, _GO_LAYOUT),
    "java": Queries(_JAVA_SYMBOLS, _JAVA_MARKS, _JAVA_LAYOUT),
    "ruby": Queries(_RUBY_SYMBOLS, _RUBY_MARKS, _RUBY_LAYOUT),
    "rust": Queries(_RUST_SYMBOLS, _RUST_MARKS, _RUST_LAYOUT),
    "c": Queries(_C_SYMBOLS, _C_MARKS, _C_LAYOUT),
    "cpp": Queries(_CPP_SYMBOLS, _CPP_MARKS, _CPP_LAYOUT),
    "csharp": Queries(_CSHARP_SYMBOLS, _CSHARP_MARKS, _CSHARP_LAYOUT),
    "php": Queries(_PHP_SYMBOLS, _PHP_MARKS, _PHP_LAYOUT),
    "kotlin": Queries(_KOTLIN_SYMBOLS, _KOTLIN_MARKS, _KOTLIN_LAYOUT),
    "scala": Queries(_SCALA_SYMBOLS, _SCALA_MARKS, _SCALA_LAYOUT),
    "bash": Queries(_BASH_SYMBOLS, _BASH_MARKS, _BASH_LAYOUT),
}
