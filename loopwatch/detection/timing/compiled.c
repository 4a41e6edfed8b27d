/* The compiled form of timed_callback.py, which explains what is done here, and why.
 *
 * The GIL is held from one call of Python code to the next, so what the form in Python says about the order of its
 * statements holds here, too.
 */

#include "callables.h"
#include "observers.h"

/* TimedCallback. */

enum { MOST_ON_STACK = 6 };

static PyObject *call_step(State *state, PyObject *callback, PyObject *const *passed, Py_ssize_t count)
{
    PyObject *on_stack[MOST_ON_STACK + 2], **all = on_stack;
    if (count > MOST_ON_STACK && (all = PyMem_New(PyObject *, count + 2)) == NULL) return PyErr_NoMemory();
    all[1] = callback; /* before it is the room that the flag offers */
    for (Py_ssize_t index = 0; index < count; index++) all[index + 2] = passed[index];
    PyObject *run = state->python[count == 0 ? RUN_STEP : RUN_STEP_WITH];
    PyObject *result = PyObject_Vectorcall(run, all + 1, (count + 1) | PY_VECTORCALL_ARGUMENTS_OFFSET, NULL);
    if (all != on_stack) PyMem_Free(all);
    return result;
}

/* 1 if the call is a step to be timed, 0 if not, or -1 with an error. */
static int find_clock(State *state, Callable *self, PyObject **clock, PyObject **outer)
{
    int is_unknown = self->of[CLOCK] == Py_None;
    if (!is_unknown) {
        *clock = Py_NewRef(self->of[CLOCK]);
        if ((is_unknown = is_object(state, *clock, OWNER, Py_None)) < 0) return -1;
    }
    if (is_unknown) {
        Py_XSETREF(*clock, PyObject_CallOneArg(self->of[CLOCK_OF], self->of[LOOP]));
        if (*clock == NULL) return -1;
        Py_XSETREF(self->of[CLOCK], Py_NewRef(*clock));
        if (*clock == Py_None) return 0;
    }
    if ((*outer = get(state, *clock, HANDLE)) == NULL) return -1;
    return *outer == Py_None ? 1 : is_object(state, *clock, WANTS_STEP_BEGIN, Py_True);
}

static int begin(State *state, Callable *self, PyObject *clock, PyObject **outer)
{
    double started = now(), gap_from_s, ended_before;
    if (set(state, clock, HANDLE, (PyObject *)self) < 0 || set_seconds(state, clock, STARTED, started) < 0) return -1;
    int wants_none = is_object(state, clock, WANTS_STEP_BEGIN, Py_False);
    if (wants_none < 0 || get_seconds(state, clock, GAP_FROM_S, &gap_from_s) < 0) return -1;
    if (get_seconds(state, clock, ENDED, &ended_before) < 0) return -1;
    if (wants_none && started - ended_before < gap_from_s && started - self->due_at < gap_from_s) return 0;
    PyObject *passed[] = {clock, *outer};
    PyObject *around = PyObject_Vectorcall(state->python[BEGIN_STEP], passed, 2, NULL);
    if (around == NULL) return -1;
    Py_SETREF(*outer, around);
    return 0;
}

static int end(State *state, Callable *self, PyObject *clock, PyObject *outer)
{
    double ended = now(), started, ends_from_s;
    PyObject *error = NULL; /* what a signal handler raised meanwhile */
    if (get_seconds(state, clock, STARTED, &started) < 0) return -1;
    if (get_seconds(state, clock, ENDS_FROM_S, &ends_from_s) < 0) return -1;
    if (ended - started >= ends_from_s) {
        PyObject *since = PyFloat_FromDouble(started), *until = PyFloat_FromDouble(ended), *result = NULL;
        if (since != NULL && until != NULL)
            result = PyObject_CallMethodObjArgs(clock, state->end_step, (PyObject *)self, since, until, NULL);
        Py_XDECREF(since);
        Py_XDECREF(until);
        if (result == NULL) error = take_error();
        Py_XDECREF(result);
    }
    int is_set = set(state, clock, HANDLE, outer) == 0 && set_seconds(state, clock, ENDED, ended) == 0;
    if (error == NULL) return is_set ? 0 : -1;
    if (!is_set) PyErr_Clear();
    raise_error(error);
    return -1;
}

static PyObject *call_and_end(State *state, Callable *self, PyObject *clock, PyObject *outer, PyObject *callback,
                              PyObject *const *passed, Py_ssize_t count)
{
    PyObject *result = call_step(state, callback, passed, count);
    PyObject *error = result == NULL ? take_error() : NULL;
    if (end(state, self, clock, outer) < 0) {
        PyObject *newer = take_error();
        if (error != NULL) PyException_SetContext(newer, error);
        error = newer;
        Py_CLEAR(result);
    }
    if (error != NULL) raise_error(error);
    return result;
}

static PyObject *call_timed(PyObject *object, PyObject *const *passed, size_t flags, PyObject *names)
{
    Callable *self = (Callable *)object;
    State *state = PyType_GetModuleState(Py_TYPE(object));
    if (is_cleared(self)) return NULL;
    if (names != NULL && PyTuple_GET_SIZE(names) > 0) {
        PyErr_SetString(PyExc_TypeError, "a callback takes no arguments by name");
        return NULL;
    }
    /* The loop may forget the callback while it runs. */
    Py_INCREF(self);
    PyObject *callback = Py_NewRef(self->of[CALLBACK]), *args = Py_NewRef(self->of[ARGS]);
    PyObject *clock = NULL, *outer = NULL, *result = NULL;
    Py_ssize_t count = PyVectorcall_NARGS(flags);
    if (count == 0 && (count = PyTuple_GET_SIZE(args)) > 0) passed = &PyTuple_GET_ITEM(args, 0);
    int is_step = find_clock(state, self, &clock, &outer);
    if (is_step == 0) result = PyObject_Vectorcall(callback, passed, count, NULL);
    if (is_step == 1 && begin(state, self, clock, &outer) == 0)
        result = call_and_end(state, self, clock, outer, callback, passed, count);
    Py_XDECREF(outer);
    Py_XDECREF(clock);
    Py_DECREF(args);
    Py_DECREF(callback);
    Py_DECREF(self);
    return result;
}

static PyObject *repr_of_timed(Callable *self)
{
    return PyObject_Repr(self->of[CALLBACK]);
}

static PyMemberDef timed_members[] = {
    {"_callback", T_OBJECT_EX, offsetof(Callable, of[CALLBACK]), READONLY, NULL},
    {"_args", T_OBJECT_EX, offsetof(Callable, of[ARGS]), READONLY, NULL},
    {"_context", T_OBJECT_EX, offsetof(Callable, of[CONTEXT]), READONLY, NULL},
    {"due_at", T_DOUBLE, offsetof(Callable, due_at), READONLY, NULL},
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(Callable, call), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};
static PyType_Slot timed_slots[] = {
    {Py_tp_doc, "A callback that is a step."},
    {Py_tp_call, PyVectorcall_Call},
    {Py_tp_repr, repr_of_timed},
    {Py_tp_traverse, traverse},
    {Py_tp_clear, clear},
    {Py_tp_dealloc, deallocate},
    {Py_tp_members, timed_members},
    {0, NULL},
};
static PyType_Spec timed_type = {
    .name = "loopwatch.detection.timing.compiled.TimedCallback",
    .basicsize = sizeof(Callable),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_IMMUTABLETYPE |
             Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = timed_slots,
};

static PyObject *timed(PyObject *module, PyObject *args, PyObject *named)
{
    static char *names[] = {"callback", "context", "loop", "clock_of", "due_at", "args", NULL};
    State *state = PyModule_GetState(module);
    PyObject *of[OBJECTS] = {NULL};
    double due_at = Py_HUGE_VAL;
    if (!PyArg_ParseTupleAndKeywords(args, named, "OOOO|dO!", names, &of[CALLBACK], &of[CONTEXT], &of[LOOP],
                                     &of[CLOCK_OF], &due_at, &PyTuple_Type, &of[ARGS]))
        return NULL;
    PyObject *none = of[ARGS] == NULL ? PyTuple_New(0) : NULL;
    if (none != NULL) of[ARGS] = none;
    of[CLOCK] = Py_None;
    PyObject *made = of[ARGS] == NULL ? NULL : new_callable(state->timed_callback, call_timed, of, due_at);
    Py_XDECREF(none);
    return made;
}

/* What schedules_soon returns. */

/* A new reference, which is None if the loop is not watched. */
static PyObject *clock_of_loop(State *state, Callable *self, PyObject *loop)
{
    PyObject *clock = Py_XNewRef(self->of[LATEST]);
    if (clock != NULL) {
        int is_its_own = is_object(state, clock, OWNER, loop);
        if (is_its_own > 0) return clock;
        Py_DECREF(clock);
        if (is_its_own < 0) return NULL;
    }
    clock = PyObject_CallOneArg(self->of[CLOCK_OF], loop);
    if (clock != NULL && clock != Py_None) Py_XSETREF(self->of[LATEST], Py_NewRef(clock));
    return clock;
}

static int is_quick(State *state, PyObject *callback)
{
    PyObject *quick = state->python[QUICK];
    for (Py_ssize_t index = 0; PyFunction_Check(callback) && index < PyTuple_GET_SIZE(quick); index++)
        if (PyTuple_GET_ITEM(quick, index) == PyFunction_GET_CODE(callback)) return 1;
    return 0;
}

static int find_due_at(State *state, Callable *self, PyObject *clock, double *due_at)
{
    int is_due_now = self->is_threadsafe ? 1 : is_object(state, clock, HANDLE, Py_None);
    if (is_due_now == 0) return get_seconds(state, clock, STARTED, due_at);
    *due_at = now();
    return is_due_now < 0 ? -1 : 0;
}

static PyObject *schedule_timed(State *state, Callable *self, PyObject *clock, PyObject *const *passed,
                                Py_ssize_t count, PyObject *context)
{
    double due_at;
    if (find_due_at(state, self, clock, &due_at) < 0) return NULL;
    PyObject *args = PyTuple_New(count - 2), *made = NULL, *result = NULL;
    for (Py_ssize_t index = 2; args != NULL && index < count; index++)
        PyTuple_SET_ITEM(args, index - 2, Py_NewRef(passed[index]));
    context = context == Py_None ? PyContext_CopyCurrent() : Py_NewRef(context);
    PyObject *of[OBJECTS] = {passed[1], args, context, passed[0], self->of[CLOCK_OF], clock};
    if (args != NULL && context != NULL) made = new_callable(state->timed_callback, call_timed, of, due_at);
    if (made != NULL) {
        PyObject *all[] = {passed[0], made, context};
        result = PyObject_Vectorcall(self->of[METHOD], all, 2, state->context_by_name);
    }
    Py_XDECREF(made);
    Py_XDECREF(context);
    Py_XDECREF(args);
    return result;
}

static PyObject *schedule(PyObject *object, PyObject *const *passed, size_t flags, PyObject *names)
{
    Callable *self = (Callable *)object;
    State *state = PyType_GetModuleState(Py_TYPE(object));
    Py_ssize_t count = PyVectorcall_NARGS(flags), named = names == NULL ? 0 : PyTuple_GET_SIZE(names);
    if (is_cleared(self)) return NULL;
    int has_context = named == 1 && PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(names, 0), "context") == 0;
    if (count < 2 || named > has_context) return PyObject_Vectorcall(self->of[IN_PYTHON], passed, flags, names);
    PyObject *clock = clock_of_loop(state, self, passed[0]), *result;
    if (clock == NULL) return NULL;
    if (clock == Py_None || (count == 3 && is_quick(state, passed[1])))
        result = PyObject_Vectorcall(self->of[METHOD], passed, flags, names);
    else
        result = schedule_timed(state, self, clock, passed, count, has_context ? passed[count] : Py_None);
    Py_DECREF(clock);
    return result;
}

static PyObject *bind(PyObject *self, PyObject *loop, PyObject *Py_UNUSED(type))
{
    return loop == NULL || loop == Py_None ? Py_NewRef(self) : PyMethod_New(self, loop);
}

static PyMemberDef scheduling_members[] = {
    {"__dictoffset__", T_PYSSIZET, offsetof(Callable, of[ATTRIBUTES]), READONLY, NULL},
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(Callable, call), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};
static PyGetSetDef scheduling_attributes[] = {
    {"__dict__", PyObject_GenericGetDict, PyObject_GenericSetDict, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};
static PyType_Slot scheduling_slots[] = {
    {Py_tp_call, PyVectorcall_Call},
    {Py_tp_descr_get, bind},
    {Py_tp_traverse, traverse},
    {Py_tp_clear, clear},
    {Py_tp_dealloc, deallocate},
    {Py_tp_members, scheduling_members},
    {Py_tp_getset, scheduling_attributes},
    {0, NULL},
};
static PyType_Spec scheduling_type = {
    .name = "loopwatch.detection.timing.compiled.SchedulingMethod",
    .basicsize = sizeof(Callable),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_METHOD_DESCRIPTOR |
             Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = scheduling_slots,
};

static PyObject *schedules_soon(PyObject *module, PyObject *args)
{
    State *state = PyModule_GetState(module);
    PyObject *of[OBJECTS] = {NULL};
    if (!PyArg_ParseTuple(args, "OO", &of[METHOD], &of[CLOCK_OF])) return NULL;
    of[IN_PYTHON] = PyObject_CallObject(state->python[SCHEDULES_SOON], args);
    if (of[IN_PYTHON] == NULL) return NULL;
    PyObject *made = NULL, *name = PyObject_GetAttrString(of[METHOD], "__name__");
    if (name != NULL) made = new_callable(state->scheduling_method, schedule, of, 0.0);
    if (made != NULL)
        ((Callable *)made)->is_threadsafe = PyUnicode_CompareWithASCIIString(name, "call_soon_threadsafe") == 0;
    Py_XDECREF(name);
    Py_DECREF(of[IN_PYTHON]);
    return made;
}

/* The module. Its types refer to it, so its functions and names are there as long as there are callables. */

static int execute(PyObject *module)
{
    State *state = PyModule_GetState(module);
    PyObject *python = PyImport_ImportModule("loopwatch.detection.timing.timed_callback");
    for (int which = 0; python != NULL && which < FROM_PYTHON; which++)
        if ((state->python[which] = PyObject_GetAttrString(python, python_names[which])) == NULL) Py_CLEAR(python);
    if (python == NULL) return -1;
    Py_DECREF(python);
    for (int which = 0; which < SLOTS; which++)
        if ((state->names[which] = PyUnicode_InternFromString(slot_names[which])) == NULL) return -1;
    if ((state->end_step = PyUnicode_InternFromString("end_step")) == NULL) return -1;
    if ((state->context_by_name = Py_BuildValue("(s)", "context")) == NULL) return -1;
    state->timed_callback = (PyTypeObject *)PyType_FromModuleAndSpec(module, &timed_type, NULL);
    if (state->timed_callback == NULL || PyModule_AddType(module, state->timed_callback) < 0) return -1;
    state->scheduling_method = (PyTypeObject *)PyType_FromModuleAndSpec(module, &scheduling_type, NULL);
    return state->scheduling_method == NULL ? -1 : 0;
}

static int traverse_module(PyObject *module, visitproc visit, void *arg)
{
    State *state = PyModule_GetState(module);
    Py_VISIT(state->timed_callback);
    Py_VISIT(state->scheduling_method);
    return 0;
}

static void free_module(void *module)
{
    State *state = PyModule_GetState(module);
    Py_CLEAR(state->timed_callback);
    Py_CLEAR(state->scheduling_method);
    for (int which = 0; which < FROM_PYTHON; which++) Py_CLEAR(state->python[which]);
    for (int which = 0; which < SLOTS; which++) Py_CLEAR(state->names[which]);
    Py_CLEAR(state->end_step);
    Py_CLEAR(state->context_by_name);
    Py_CLEAR(state->observer);
}

static PyMethodDef functions[] = {
    {"timed", (PyCFunction)(void (*)(void))timed, METH_VARARGS | METH_KEYWORDS, NULL},
    {"schedules_soon", schedules_soon, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};
static PyModuleDef_Slot module_slots[] = {
    {Py_mod_exec, execute},
#if PY_VERSION_HEX >= 0x030C0000
    {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED},
#endif
    {0, NULL},
};
static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "loopwatch.detection.timing.compiled",
    .m_doc = "The path of every callback on a loop that is not asyncio's own, in C.",
    .m_size = sizeof(State),
    .m_methods = functions,
    .m_slots = module_slots,
    .m_traverse = traverse_module,
    .m_free = free_module,
};

PyMODINIT_FUNC PyInit_compiled(void)
{
    return PyModuleDef_Init(&definition);
}
