/* What compiled.c needs to read and write an observer of steps: the state of the module, the clock, errors, and slots.
 *
 * An observer usually has __slots__, which are read and written where they are; other observers are asked by name.
 */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <structmember.h>

#ifdef Py_GIL_DISABLED
#error "slots are read without a lock, which needs the GIL"
#endif

enum { OWNER, HANDLE, STARTED, ENDED, GAP_FROM_S, ENDS_FROM_S, WANTS_STEP_BEGIN, SLOTS };
static const char *const slot_names[SLOTS] = {
    "owner", "handle", "started", "ended", "gap_from_s", "ends_from_s", "wants_step_begin",
};
enum { BEGIN_STEP, RUN_STEP, RUN_STEP_WITH, SCHEDULES_SOON, QUICK, FROM_PYTHON };
static const char *const python_names[FROM_PYTHON] = {
    "begin_step", "run_step", "run_step_with", "schedules_soon", "QUICK",
};

typedef struct {
    PyTypeObject *timed_callback, *scheduling_method;
    PyObject *python[FROM_PYTHON], *names[SLOTS], *end_step, *context_by_name;
    PyTypeObject *observer; /* the class of the latest observer, and where its slots are; 0 for what is no slot */
    Py_ssize_t offsets[SLOTS];
} State;

static double now(void)
{
#if PY_VERSION_HEX >= 0x030D0000
    PyTime_t moment = 0;
    if (PyTime_PerfCounter(&moment) < 0) PyErr_Clear();
    return PyTime_AsSecondsDouble(moment);
#else
    return _PyTime_AsSecondsDouble(_PyTime_GetPerfCounter());
#endif
}

static PyObject *take_error(void)
{
#if PY_VERSION_HEX >= 0x030C0000
    return PyErr_GetRaisedException();
#else
    PyObject *type, *error, *traceback;
    PyErr_Fetch(&type, &error, &traceback);
    PyErr_NormalizeException(&type, &error, &traceback);
    if (traceback != NULL) PyException_SetTraceback(error, traceback);
    Py_XDECREF(type);
    Py_XDECREF(traceback);
    return error;
#endif
}

static void raise_error(PyObject *error)
{
#if PY_VERSION_HEX >= 0x030C0000
    PyErr_SetRaisedException(error);
#else
    PyErr_Restore(Py_NewRef(Py_TYPE(error)), error, PyException_GetTraceback(error));
#endif
}

/* The slots of an observer. */

static void learn_slots(State *state, PyTypeObject *type)
{
    Py_ssize_t offsets[SLOTS] = {0};
    int is_plain = type->tp_getattro == PyObject_GenericGetAttr && type->tp_setattro == PyObject_GenericSetAttr;
    for (int which = 0; is_plain && which < SLOTS; which++) {
        PyObject *slot = PyObject_GetAttr((PyObject *)type, state->names[which]);
        if (slot == NULL) PyErr_Clear();
        if (slot != NULL && Py_IS_TYPE(slot, &PyMemberDescr_Type)) {
            PyMemberDef *member = ((PyMemberDescrObject *)slot)->d_member;
            if (member->type == T_OBJECT_EX && member->flags == 0) offsets[which] = member->offset;
        }
        Py_XDECREF(slot);
    }
    memcpy(state->offsets, offsets, sizeof offsets);
    Py_XSETREF(state->observer, (PyTypeObject *)Py_NewRef(type));
}

static inline PyObject **slot_of(State *state, PyObject *observer, int which)
{
    if (Py_TYPE(observer) != state->observer) learn_slots(state, Py_TYPE(observer));
    /* Freeing the class before may have run code, and let another thread learn the slots of yet another class. */
    if (Py_TYPE(observer) != state->observer) return NULL;
    return state->offsets[which] == 0 ? NULL : (PyObject **)((char *)observer + state->offsets[which]);
}

static inline PyObject *get(State *state, PyObject *observer, int which)
{
    PyObject **slot = slot_of(state, observer, which);
    if (slot != NULL && *slot != NULL) return Py_NewRef(*slot);
    return PyObject_GetAttr(observer, state->names[which]);
}

static inline int set(State *state, PyObject *observer, int which, PyObject *value)
{
    PyObject **slot = slot_of(state, observer, which);
    if (slot == NULL) return PyObject_SetAttr(observer, state->names[which], value);
    Py_XSETREF(*slot, Py_NewRef(value));
    return 0;
}

/* 1 or 0, or -1 with an error. */
static inline int is_object(State *state, PyObject *observer, int which, PyObject *object)
{
    PyObject *value = get(state, observer, which);
    Py_XDECREF(value); /* only its address is compared */
    return value == NULL ? -1 : value == object;
}

static inline int get_seconds(State *state, PyObject *observer, int which, double *seconds)
{
    PyObject *value = get(state, observer, which);
    if (value == NULL) return -1;
    *seconds = PyFloat_AsDouble(value);
    Py_DECREF(value);
    return *seconds == -1.0 && PyErr_Occurred() ? -1 : 0;
}

static inline int set_seconds(State *state, PyObject *observer, int which, double seconds)
{
    PyObject *value = PyFloat_FromDouble(seconds);
    int status = value == NULL ? -1 : set(state, observer, which, value);
    Py_XDECREF(value);
    return status;
}
